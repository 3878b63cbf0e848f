//! Files before the build: what generators and patches read.

use std::collections::{BTreeMap, BTreeSet};

use capstan_build::{KUSTOMIZATION_FILES, implicit_resources};
use capstan_tree::{ContentId, Entry, EntryKind, Tree, TreeError, join};
use capstan_yaml::Schema;
use serde::Deserialize;

use crate::decryptor::Decryptor;
use crate::error::DecryptError;
use crate::format::Format;

/// Bytes that a file may have which could be encrypted.
const MOST_BYTES: usize = 5 << 20;

/// Encrypted files of a tree in plain text, by their paths without symbolic links.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Vec<u8>>);

/// How many there are; their content stays untold.
impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sources({})", self.0.len())
    }
}

impl Sources {
    /// The paths of the files that were encrypted, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The tree as it reads with these files in plain text.
    pub const fn over<T: Tree>(self, tree: T) -> impl Tree {
        Plain { tree, sources: self }
    }
}

/// The parts of a kustomization that lead to encrypted files.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kustomization {
    resources: Vec<String>,
    components: Vec<String>,
    secret_generator: Vec<Generator>,
    patches: Vec<Patch>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Generator {
    files: Vec<String>,
    envs: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Patch {
    path: String,
}

impl Decryptor<'_> {
    /// Decrypts what a build of the directory `path` would read encrypted: files and `envs` of each `secretGenerator` and the
    /// files of `patches`, in its kustomization and those of the directories that it names as resources or components.
    /// `components` are those of the unit itself, relative to `path`.
    ///
    /// What a kustomization names wrongly is left to the build, which tells it better.
    ///
    /// # Errors
    /// The first file that is encrypted and does not decrypt, or that has more than 5 MiB.
    pub fn sources(
        &self,
        tree: &dyn Tree,
        path: &str,
        components: &[String],
    ) -> Result<Sources, DecryptError> {
        let mut search =
            Search { decryptor: self, tree, tried: BTreeSet::new(), plain: BTreeMap::new() };
        let mut entered = BTreeSet::new();
        let mut ahead: Vec<String> =
            components.iter().rev().filter_map(|name| join(path, name).ok()).collect();
        ahead.push(path.to_owned());
        while let Some(directory) = ahead.pop() {
            let Ok(directory) = tree.real(&directory) else { continue };
            if !entered.insert(directory.clone()) {
                continue;
            }
            let next = match kustomization(tree, &directory) {
                Some(kustomization) => search.visit(&directory, kustomization)?,
                None if entered.len() == 1 => {
                    implicit_resources(tree, &directory).unwrap_or_default()
                }
                None => continue,
            };
            ahead.extend(next.iter().rev().filter_map(|name| join(&directory, name).ok()));
        }
        Ok(Sources(search.plain))
    }
}

/// The kustomization of a directory that has one and no more.
fn kustomization(tree: &dyn Tree, directory: &str) -> Option<Kustomization> {
    let paths = KUSTOMIZATION_FILES.iter().filter_map(|name| join(directory, name).ok());
    let mut found = paths.filter(|path| tree.kind(path) == Some(EntryKind::File));
    let (path, None) = (found.next()?, found.next()) else { return None };
    let text = String::from_utf8(tree.read(&path).ok()?).ok()?;
    let documents = capstan_yaml::read_documents(&text, &path, Schema::Config).ok()?;
    serde_json::from_value(documents.into_iter().next()?.value).ok()
}

struct Search<'a> {
    decryptor: &'a Decryptor<'a>,
    tree: &'a dyn Tree,
    tried: BTreeSet<String>,
    plain: BTreeMap<String, Vec<u8>>,
}

impl Search<'_> {
    /// Decrypts what a kustomization names, and tells what else it names.
    fn visit(
        &mut self,
        directory: &str,
        kustomization: Kustomization,
    ) -> Result<Vec<String>, DecryptError> {
        for generator in &kustomization.secret_generator {
            for file in &generator.files {
                let (key, path) = file.split_once('=').unwrap_or((file, file));
                self.try_file(directory, path, Format::for_path(key))?;
            }
            for path in &generator.envs {
                let format = match Format::for_path(path) {
                    Format::Binary => Format::Dotenv,
                    format => format,
                };
                self.try_file(directory, path, format)?;
            }
        }
        for Patch { path } in kustomization.patches.iter().filter(|patch| !patch.path.is_empty()) {
            self.try_file(directory, path, Format::for_path(path))?;
        }
        let mut next = kustomization.resources;
        next.extend(kustomization.components);
        Ok(next)
    }

    /// Decrypts a file that carries the mark of the format, once.
    fn try_file(
        &mut self,
        directory: &str,
        path: &str,
        format: Format,
    ) -> Result<(), DecryptError> {
        let path = join(directory, path).and_then(|path| self.tree.real(&path));
        let Ok(path) = path else { return Ok(()) };
        if self.tree.kind(&path) != Some(EntryKind::File) || !self.tried.insert(path.clone()) {
            return Ok(());
        }
        let Ok(content) = self.tree.read(&path) else { return Ok(()) };
        if content.len() > MOST_BYTES {
            let why = format!(
                "cannot decrypt file with size ({} bytes) exceeding limit ({MOST_BYTES})",
                content.len()
            );
            return Err(DecryptError::File { file: path, why });
        }
        if !format.marks(&content) {
            return Ok(());
        }
        match self.decryptor.bytes(&content, format, format) {
            Ok(plain) => {
                self.plain.insert(path, plain);
                Ok(())
            }
            Err(source) => Err(DecryptError::Source { file: path, source }),
        }
    }
}

/// A tree whose encrypted files read as they are in plain text.
struct Plain<T> {
    tree: T,
    sources: Sources,
}

impl<T: Tree> Tree for Plain<T> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        match self.sources.0.get(&self.tree.real(path)?) {
            Some(content) => Ok(content.clone()),
            None => self.tree.read(path),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        self.tree.list(path)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        self.tree.kind(path)
    }

    /// Nothing where something was encrypted: the id would be that of the cipher text.
    fn id(&self, path: &str) -> Option<ContentId> {
        let real = self.tree.real(path).ok()?;
        let is_below = |file: &str| {
            file.strip_prefix(&real)
                .is_some_and(|rest| real.is_empty() || rest.is_empty() || rest.starts_with('/'))
        };
        if self.sources.paths().any(is_below) { None } else { self.tree.id(path) }
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        self.tree.real(path)
    }
}
