use std::collections::BTreeMap;

use capstan_api::flux::CopyOperation;
use capstan_tree::{EntryKind, MemTree, Tree, join, normalise, parent};

use crate::glob::{Glob, is_pattern};
use crate::{GenerateError, merge};

/// Bytes of an artifact, as Flux unpacks it.
const MOST_BYTES: usize = 100 << 20;
/// Commas in the braces of a pattern, as source-watcher bounds them.
const MOST_ALTERNATIVES: usize = 20;

/// The sources, by alias.
pub type Sources<'a> = BTreeMap<&'a str, &'a dyn Tree>;

/// Unpacks a tar.gz; says why it cannot.
pub type Unpacker<'a> = &'a dyn Fn(&[u8]) -> Result<MemTree, String>;

/// Follows the rules of one artifact, in order; a later file takes the place of an earlier one.
///
/// # Errors
/// [`GenerateError::Copy`] with the rule that cannot be followed.
pub fn build(
    rules: &[CopyOperation],
    sources: &Sources<'_>,
    unpack: Unpacker<'_>,
) -> Result<MemTree, GenerateError> {
    let mut artifact = Artifact { tree: MemTree::default(), unpack };
    for rule in rules {
        let failed =
            |why: String| GenerateError::Copy { from: rule.from.clone(), to: rule.to.clone(), why };
        Rule::read(rule, sources).and_then(|rule| rule.apply(&mut artifact)).map_err(failed)?;
    }
    Ok(artifact.tree)
}

/// What was made so far.
struct Artifact<'a> {
    tree: MemTree,
    unpack: Unpacker<'a>,
}

/// How a file gets to where one may be already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Overwrite,
    Merge,
    Extract,
}

/// A rule, read.
struct Rule<'a> {
    source: &'a dyn Tree,
    alias: &'a str,
    pattern: &'a str,
    to: String,
    into_directory: bool,
    exclude: Vec<(Glob, bool)>,
    strategy: Strategy,
}

impl<'a> Rule<'a> {
    fn read(rule: &'a CopyOperation, sources: &Sources<'a>) -> Result<Self, String> {
        let from = rule.from.strip_prefix('@').and_then(|rest| rest.split_once('/'));
        let (alias, pattern) =
            from.ok_or_else(|| "source format must be '@alias/pattern'".to_owned())?;
        let to = rule.to.strip_prefix("@artifact/");
        let to = to.ok_or_else(|| "destination must start with '@artifact/'".to_owned())?;
        if to.starts_with('/') || to.split('/').any(|part| part == "..") {
            return Err("destination path must stay within the artifact root".to_owned());
        }
        let source =
            sources.get(alias).ok_or_else(|| format!("source alias '{alias}' not found"))?;
        let strategy = match rule.strategy.as_deref().unwrap_or_default() {
            "" | "Overwrite" => Strategy::Overwrite,
            "Merge" => Strategy::Merge,
            "Extract" => Strategy::Extract,
            other => return Err(format!("unknown strategy '{other}'")),
        };
        let exclude = |pattern: &String| -> Result<(Glob, bool), String> {
            bounded(pattern)?;
            Ok((Glob::double(pattern)?, !pattern.contains('/')))
        };
        Ok(Self {
            source: *source,
            alias,
            pattern,
            to: normalise(to).map_err(|error| error.to_string())?,
            into_directory: rule.to.ends_with('/'),
            exclude: rule.exclude.iter().map(exclude).collect::<Result<_, String>>()?,
            strategy,
        })
    }

    fn apply(&self, artifact: &mut Artifact<'_>) -> Result<(), String> {
        bounded(self.pattern)?;
        if !is_pattern(self.pattern) {
            return self.apply_to_one(artifact);
        }
        let glob = match self.strategy {
            Strategy::Extract => Glob::double(self.pattern)?,
            _ => Glob::plain(self.pattern)?,
        };
        let mut matching = Vec::new();
        self.walk("", &mut |path, kind| {
            if glob.matches(path) {
                matching.push((path.to_owned(), kind));
            }
        })?;
        let (pattern, alias) = (self.pattern, self.alias);
        if matching.is_empty() {
            return Err(format!("no files match pattern '{pattern}' in source '{alias}'"));
        }
        let base = literal_part(pattern);
        matching.retain(|(path, _)| !self.excludes(path, &base));
        if matching.is_empty() {
            let why =
                format!("all files matching pattern '{pattern}' in source '{alias}' were excluded");
            return Err(why);
        }
        for (path, kind) in matching {
            if self.strategy == Strategy::Extract {
                if kind == EntryKind::File && is_archive(&path) {
                    self.extract(artifact, &path)?;
                }
                continue;
            }
            // `dir/**` copies what is in the directory, every other pattern the whole path.
            let below = pattern
                .strip_suffix("/**")
                .and_then(|dir| path.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')));
            let to = within(&self.to, below.unwrap_or(&path))?;
            match kind {
                EntryKind::Dir => self.copy_directory(artifact, &path, &to, &base)?,
                EntryKind::File => self.copy_file(artifact, &path, &to)?,
            }
        }
        Ok(())
    }

    /// A path that is no pattern: as `cp -r` copies a file or a directory.
    fn apply_to_one(&self, artifact: &mut Artifact<'_>) -> Result<(), String> {
        let path = normalise(self.pattern).map_err(|error| error.to_string())?;
        let name = path.rsplit('/').next().unwrap_or_default();
        match self.source.kind(&path) {
            None => Err(format!("source '{path}' does not exist")),
            Some(EntryKind::Dir) if self.strategy == Strategy::Extract => {
                Err(format!("extract strategy is not supported for directories, got '{path}'"))
            }
            Some(EntryKind::Dir) => {
                self.copy_directory(artifact, &path, &within(&self.to, name)?, &path)
            }
            Some(EntryKind::File) if self.excludes(&path, "") => Ok(()),
            Some(EntryKind::File) if self.strategy == Strategy::Extract => {
                if !is_archive(&path) {
                    let why = "extract strategy requires tarball file (.tar.gz or .tgz), got";
                    return Err(format!("{why} '{path}'"));
                }
                self.extract(artifact, &path)
            }
            Some(EntryKind::File) => {
                let is_directory = artifact.tree.kind(&self.to) == Some(EntryKind::Dir);
                let to = if self.into_directory || is_directory || self.to.is_empty() {
                    within(&self.to, name)?
                } else {
                    self.to.clone()
                };
                self.copy_file(artifact, &path, &to)
            }
        }
    }

    fn copy_directory(
        &self,
        artifact: &mut Artifact<'_>,
        from: &str,
        to: &str,
        base: &str,
    ) -> Result<(), String> {
        for entry in self.source.list(from).map_err(|error| error.to_string())? {
            let path = within(from, &entry.name)?;
            if self.excludes(&path, base) {
                continue;
            }
            let to = within(to, &entry.name)?;
            match entry.kind {
                EntryKind::Dir => self.copy_directory(artifact, &path, &to, base)?,
                EntryKind::File => self.copy_file(artifact, &path, &to)?,
            }
        }
        Ok(())
    }

    fn copy_file(&self, artifact: &mut Artifact<'_>, from: &str, to: &str) -> Result<(), String> {
        let content = self.source.read(from).map_err(|error| error.to_string())?;
        let content = match artifact.tree.read(to) {
            Ok(below) if self.strategy == Strategy::Merge => merge::merged(&below, &content, to)?,
            _ => content,
        };
        artifact.insert(to, content)
    }

    fn extract(&self, artifact: &mut Artifact<'_>, path: &str) -> Result<(), String> {
        let failed = |why: String| format!("failed to extract tarball '{path}': {why}");
        let bytes = self.source.read(path).map_err(|error| failed(error.to_string()))?;
        let unpacked = (artifact.unpack)(&bytes).map_err(failed)?;
        for (name, content) in unpacked.files() {
            artifact.insert(&within(&self.to, name)?, content.to_vec())?;
        }
        Ok(())
    }

    /// Is a path left out, by its whole name, by the part below `base`, or, for patterns without a slash, by its last part?
    fn excludes(&self, path: &str, base: &str) -> bool {
        let below = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
        let name = path.rsplit('/').next().unwrap_or(path);
        self.exclude.iter().any(|(glob, by_name)| {
            glob.matches(path)
                || below.is_some_and(|below| glob.matches(below))
                || (*by_name && glob.matches(name))
        })
    }

    /// Shows every file and directory of the source, in order.
    fn walk(&self, directory: &str, see: &mut dyn FnMut(&str, EntryKind)) -> Result<(), String> {
        for entry in self.source.list(directory).map_err(|error| error.to_string())? {
            let path = within(directory, &entry.name)?;
            see(&path, entry.kind);
            if entry.kind == EntryKind::Dir {
                self.walk(&path, see)?;
            }
        }
        Ok(())
    }
}

impl Artifact<'_> {
    fn insert(&mut self, path: &str, content: Vec<u8>) -> Result<(), String> {
        if self.tree.kind(path) == Some(EntryKind::Dir) {
            return Err(format!("'{path}' is a directory already"));
        }
        let mut above = parent(path);
        while !above.is_empty() {
            if self.tree.kind(above) == Some(EntryKind::File) {
                return Err(format!("'{above}' is a file already"));
            }
            above = parent(above);
        }
        let size: usize = self.tree.files().map(|(_, content)| content.len()).sum();
        if size + content.len() > MOST_BYTES {
            return Err(format!("the artifact has more than {MOST_BYTES} bytes"));
        }
        self.tree.insert(path, content).map_err(|error| error.to_string())
    }
}

fn within(directory: &str, path: &str) -> Result<String, String> {
    join(directory, path).map_err(|error| error.to_string())
}

fn is_archive(path: &str) -> bool {
    path.ends_with(".tar.gz") || path.ends_with(".tgz")
}

/// What stands before the first part with a wildcard.
fn literal_part(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').take_while(|part| !is_pattern(part)).collect();
    parts.join("/")
}

fn bounded(pattern: &str) -> Result<(), String> {
    let commas = pattern.matches(',').count();
    if commas > MOST_ALTERNATIVES && pattern.contains('{') {
        return Err(format!(
            "pattern has {commas} alternatives in '{{}}' groups, at most {MOST_ALTERNATIVES} are allowed"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
