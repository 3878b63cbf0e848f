//! `.sourceignore`: which paths of a source are left out of its artifact.
//!
//! The syntax is that of gitignore with the differences of the matcher that Flux uses: the last
//! pattern that matches decides, and one that matches a directory matches everything below it.

mod pattern;

use crate::{ContentId, Entry, EntryKind, Tree, TreeError, normalise};

pub use pattern::{Outcome, Pattern};

/// The file that holds the patterns of its directory.
pub const FILE: &str = ".sourceignore";

/// What Flux leaves out when nobody says otherwise: version control, media and archives, CI files,
/// configuration of Flux's own tools.
pub const DEFAULTS: [&str; 24] = [
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// An ordered list of patterns.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
    /// Stands for all lines and where they were written.
    id: Option<ContentId>,
}

impl Ignore {
    /// Patterns that hold from the root on, one a line; comments and empty lines are skipped.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ignore = Self::default();
        for line in lines {
            ignore.push(line, "");
        }
        ignore
    }

    /// The patterns that Flux uses when a source has neither `.sourceignore` nor `spec.ignore`.
    pub fn defaults() -> Self {
        Self::new(DEFAULTS)
    }

    /// What a source leaves out: every `.sourceignore` of the tree (a directory that is ignored
    /// already is not searched), then `spec_ignore`; without any pattern the defaults.
    ///
    /// # Errors
    /// When a directory or a `.sourceignore` cannot be read.
    pub fn of_source(tree: &dyn Tree, spec_ignore: Option<&str>) -> Result<Self, TreeError> {
        let mut ignore = Self::default();
        ignore.collect(tree, "")?;
        for line in spec_ignore.unwrap_or_default().lines() {
            ignore.push(line, "");
        }
        Ok(if ignore.patterns.is_empty() { Self::defaults() } else { ignore })
    }

    /// What `flux build` leaves out of a directory: the defaults, every `.sourceignore` below the directory, and lines
    /// of one's own; all hold below the directory.
    ///
    /// # Errors
    /// When a directory or a `.sourceignore` cannot be read.
    pub fn of_directory<'a>(
        tree: &dyn Tree,
        directory: &str,
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TreeError> {
        let mut ignore = Self::default();
        DEFAULTS.iter().for_each(|line| ignore.push(line, directory));
        ignore.collect(tree, directory)?;
        lines.into_iter().for_each(|line| ignore.push(line, directory));
        Ok(ignore)
    }

    fn collect(&mut self, tree: &dyn Tree, directory: &str) -> Result<(), TreeError> {
        let file = crate::join(directory, FILE)?;
        if tree.kind(&file) == Some(EntryKind::File) {
            for line in String::from_utf8_lossy(&tree.read(&file)?).lines() {
                self.push(line, directory);
            }
        }
        for Entry { name, kind } in tree.list(directory)? {
            let path = crate::join(directory, &name)?;
            if kind == EntryKind::Dir && name != ".git" && !self.matches(&path, true) {
                self.collect(tree, &path)?;
            }
        }
        Ok(())
    }

    /// Adds one line that was written in `directory` and holds below it.
    pub fn push(&mut self, line: &str, directory: &str) {
        if !line.starts_with('#') && !line.trim().is_empty() {
            self.patterns.push(Pattern::new(line, directory));
            let before = self.id.as_ref().map_or(&[][..], ContentId::as_bytes);
            self.id = Some(ContentId::of([before, line.as_bytes(), directory.as_bytes()]));
        }
    }

    /// Is the path left out?
    pub fn matches(&self, path: &str, is_dir: bool) -> bool {
        let Ok(normal) = normalise(path) else { return true };
        let parts: Vec<&str> = normal.split('/').filter(|p| !p.is_empty()).collect();
        let decided = self.patterns.iter().rev().map(|p| p.matches(&parts, is_dir));
        decided.into_iter().find(|o| *o != Outcome::None) == Some(Outcome::Exclude)
    }
}

/// The tree without what the patterns leave out. Nothing is copied.
pub fn filtered<T: Tree>(tree: T, ignore: Ignore) -> impl Tree {
    Filtered { tree, ignore }
}

struct Filtered<T> {
    tree: T,
    ignore: Ignore,
}

impl<T: Tree> Tree for Filtered<T> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let normal = normalise(path)?;
        if self.ignore.matches(&normal, false) {
            return Err(TreeError::NotFound(normal));
        }
        self.tree.read(&normal)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let normal = normalise(path)?;
        let mut entries = self.tree.list(&normal)?;
        entries.retain(|entry| {
            let path = format!("{normal}/{}", entry.name);
            let path = path.trim_start_matches('/');
            // A directory stays when a later pattern may bring back a file in it.
            match entry.kind {
                EntryKind::File => !self.ignore.matches(path, false),
                EntryKind::Dir => !self.ignore.matches(path, true) || self.holds_any(path),
            }
        });
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        let normal = normalise(path).ok()?;
        let kind = self.tree.kind(&normal)?;
        let shown = match kind {
            _ if normal.is_empty() => true,
            EntryKind::File => !self.ignore.matches(&normal, false),
            EntryKind::Dir => !self.ignore.matches(&normal, true) || self.holds_any(&normal),
        };
        shown.then_some(kind)
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        let (of_tree, of_patterns) = (self.tree.id(path)?, self.ignore.id);
        let of_patterns = of_patterns.as_ref().map_or(&[][..], ContentId::as_bytes);
        Some(ContentId::of([of_tree.as_bytes(), of_patterns]))
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        self.tree.real(path)
    }
}

impl<T: Tree> Filtered<T> {
    fn holds_any(&self, directory: &str) -> bool {
        self.list(directory).is_ok_and(|entries| !entries.is_empty())
    }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests {
    use super::{Ignore, filtered};
    use crate::{ContentId, Entry, EntryKind, MemTree, Tree, TreeError};

    fn tree(paths: &[&str]) -> MemTree {
        paths.iter().map(|p| ((*p).to_owned(), Vec::new())).collect()
    }

    #[test]
    fn the_last_match_decides() {
        let ignore = Ignore::new(["# all but one", "/*", "!/deploy", "*.md"]);
        assert!(ignore.matches("src/main.rs", false));
        assert!(!ignore.matches("deploy/app.yaml", false));
        assert!(ignore.matches("deploy/readme.md", false));
    }

    #[test]
    fn defaults_of_flux() {
        let ignore = Ignore::defaults();
        for (path, is_dir) in
            [(".git", true), (".git/config", false), ("a/b.png", false), ("x/.sops.yaml", false)]
        {
            assert!(ignore.matches(path, is_dir), "{path}");
        }
        assert!(!ignore.matches("a/deploy.yaml", false));
    }

    #[test]
    fn a_directory_has_the_defaults_and_lines_of_its_own() {
        let tree = tree(&["d/x.yaml", "x.yaml"]);
        let ignore = Ignore::of_directory(&tree, "d", ["/x.yaml"]).expect("readable");
        assert!(ignore.matches("d/x.yaml", false) && ignore.matches("d/a.png", false));
        assert!(!ignore.matches("x.yaml", false) && !ignore.matches("d/e/x.yaml", false));
    }

    #[test]
    fn the_id_of_what_is_shown_changes_with_the_patterns() {
        struct WithIds(MemTree);
        impl Tree for WithIds {
            fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
                self.0.read(path)
            }
            fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
                self.0.list(path)
            }
            fn kind(&self, path: &str) -> Option<EntryKind> {
                self.0.kind(path)
            }
            fn id(&self, path: &str) -> Option<ContentId> {
                Some(ContentId::of([path.as_bytes()]))
            }
        }
        let id = |lines: &[&str]| {
            filtered(WithIds(tree(&["a/x"])), Ignore::new(lines.iter().copied())).id("a")
        };
        assert_eq!(id(&["/b"]), id(&["/b"]));
        assert_ne!(id(&["/b"]), id(&["/a"]));
        assert_ne!(id(&["/b"]), id(&[]));
        assert_eq!(filtered(tree(&["a/x"]), Ignore::default()).id("a"), None);
    }

    #[test]
    fn a_source_reads_its_own_files() {
        let mut tree = tree(&["a/x.yaml", "a/y.yaml", "b/x.yaml", "c.png"]);
        tree.insert("a/.sourceignore", b"x.yaml\n".to_vec()).expect("inside");
        let ignore = Ignore::of_source(&tree, Some("/b/\n")).expect("readable");
        let shown = filtered(&tree, ignore);
        assert_eq!(shown.kind("a/x.yaml"), None);
        assert_eq!(shown.kind("a/y.yaml"), Some(EntryKind::File));
        assert_eq!(shown.kind("b"), None);
        assert_eq!(shown.kind("c.png"), Some(EntryKind::File), "patterns replace the defaults");
        assert!(shown.read("b/x.yaml").is_err());
    }
}
