use capstan_model::glob;

/// What a pattern says about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    None,
    /// It is left out.
    Exclude,
    /// It is kept, whatever earlier patterns say.
    Include,
}

/// One line of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    domain: Vec<String>,
    parts: Vec<String>,
    inclusion: bool,
    dir_only: bool,
    anchored: bool,
}

impl Pattern {
    /// Reads a line that was written in `directory`; it holds for paths below that directory.
    pub fn new(line: &str, directory: &str) -> Self {
        let (inclusion, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (dir_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        Self {
            domain: directory.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect(),
            parts: line.split('/').map(str::to_owned).collect(),
            inclusion,
            dir_only,
            anchored: line.contains('/'),
        }
    }

    /// Judges a path, given by its components.
    pub fn matches(&self, path: &[&str], is_dir: bool) -> Outcome {
        if path.len() <= self.domain.len() || self.domain.iter().zip(path).any(|(d, p)| d != p) {
            return Outcome::None;
        }
        let path = &path[self.domain.len()..];
        let hit = if self.anchored { self.walk(path, is_dir) } else { self.any(path, is_dir) };
        match (hit, self.inclusion) {
            (false, _) => Outcome::None,
            (true, true) => Outcome::Include,
            (true, false) => Outcome::Exclude,
        }
    }

    /// A pattern without a slash matches any component: a directory takes all below it along.
    fn any(&self, path: &[&str], is_dir: bool) -> bool {
        let pattern = self.parts.first().map_or("", String::as_str);
        for (index, name) in path.iter().enumerate() {
            match glob(pattern.as_bytes(), name.as_bytes()) {
                None => return false,
                Some(false) => {}
                Some(true) => return !(self.dir_only && !is_dir && index + 1 == path.len()),
            }
        }
        false
    }

    /// A pattern with a slash is walked component by component; `**` skips any number of them.
    fn walk(&self, mut path: &[&str], is_dir: bool) -> bool {
        let mut matched = false;
        let mut skipping = false;
        for (index, part) in self.parts.iter().enumerate() {
            let is_last = index + 1 == self.parts.len();
            match part.as_str() {
                "" => {
                    skipping = false;
                    continue;
                }
                "**" if is_last => break,
                "**" => {
                    skipping = true;
                    continue;
                }
                part if part.contains("**") || path.is_empty() => return false,
                part if skipping => {
                    skipping = false;
                    let Some(found) = seek(part, &mut path) else { return false };
                    matched = found;
                }
                part => {
                    if glob(part.as_bytes(), path[0].as_bytes()) != Some(true) {
                        return false;
                    }
                    path = &path[1..];
                    matched = true;
                }
            }
        }
        matched && !(self.dir_only && !is_dir && path.is_empty())
    }
}

/// Drops components up to the first one that matches. `None` when the pattern is malformed.
fn seek(part: &str, path: &mut &[&str]) -> Option<bool> {
    while let Some((name, rest)) = path.split_first() {
        *path = rest;
        if glob(part.as_bytes(), name.as_bytes())? {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Pattern};

    #[test]
    fn slashes_anchor_and_directories_take_all_below() {
        for (line, path, is_dir, expected) in [
            ("value", "head/value/tail", false, Outcome::Exclude),
            ("value/", "head/value", false, Outcome::None),
            ("value/", "head/value", true, Outcome::Exclude),
            ("/a", "x/a", false, Outcome::None),
            ("/a", "a/b", false, Outcome::Exclude),
            ("!a", "a", false, Outcome::Include),
            ("**/b", "x/y/b/z", false, Outcome::Exclude),
            ("a/**/d", "a/b/c/d", false, Outcome::Exclude),
            ("a/**", "a/b", false, Outcome::Exclude),
            ("/*lue/**foo/vol?ano", "value/foo/volcano", false, Outcome::None),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(Pattern::new(line, "").matches(&parts, is_dir), expected, "{line} {path}");
        }
        assert_eq!(Pattern::new("x", "a").matches(&["b", "x"], false), Outcome::None);
        assert_eq!(Pattern::new("x", "a").matches(&["a", "x"], false), Outcome::Exclude);
    }
}
