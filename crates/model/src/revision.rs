use std::fmt;
use std::str::FromStr;

/// A Git revision in Flux's form: `main@sha1:<hex>`, `v1.2.3@sha1:<hex>`, or `sha1:<hex>` for a pinned commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision {
    /// The branch, tag or full reference; absent for a pinned commit.
    pub name: Option<String>,
    /// The commit id: 40 lower-case hex digits.
    pub commit: String,
}

/// Why a revision could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a revision: expected `<name>@sha1:<commit>` or `sha1:<commit>`")]
pub struct RevisionError(String);

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let error = || RevisionError(text.to_owned());
        let (name, digest) = match text.rsplit_once('@') {
            Some((name, digest)) => (Some(name.to_owned()), digest),
            None => (None, text),
        };
        let commit = digest.strip_prefix("sha1:").ok_or_else(error)?;
        if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(error());
        }
        Ok(Self { name, commit: commit.to_owned() })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}@sha1:{}", self.commit),
            None => write!(f, "sha1:{}", self.commit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Revision;

    #[test]
    fn round_trips() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for text in [format!("main@sha1:{commit}"), format!("sha1:{commit}")] {
            assert_eq!(text.parse::<Revision>().expect("valid").to_string(), text);
        }
        assert!("main".parse::<Revision>().is_err());
        assert!("main@sha1:abc".parse::<Revision>().is_err());
    }
}
