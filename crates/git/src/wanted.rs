use std::fmt;

use capstan_model::{Revision, VersionRange};

use crate::FetchError;

/// Which revision is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The tip of a branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// The newest tag in a range of semantic versions.
    Semver(String),
    /// A full reference name, as the server lists it; `^{}` behind a tag means the commit, which all tags mean here.
    Name(String),
    /// What the server calls so: a tag before a branch, as `git fetch` looks it up.
    Any(String),
    /// The tip of the branch that the server holds for the main one.
    Head,
    /// A commit; the branch is where it is looked for when the server does not give commits by id.
    Commit {
        /// 40 hex digits.
        commit: String,
        /// What the revision is named by: a branch, or a full reference name.
        branch: Option<String>,
    },
}

/// What git writes behind a tag's name for the commit that it leads to.
const PEELED: &str = "^{}";

impl Wanted {
    /// What `git fetch` takes a text for: nothing is `HEAD`, 40 hex digits are a commit, all else is a name.
    pub fn parse(text: &str) -> Self {
        match text {
            "" | "HEAD" => Self::Head,
            id if id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Self::Commit { commit: id.to_ascii_lowercase(), branch: None }
            }
            name if name.starts_with("refs/") => Self::Name(name.to_owned()),
            name => Self::Any(name.to_owned()),
        }
    }

    /// Checks that the name is one: the text of a refspec could say more than that.
    pub(crate) fn check(&self) -> Result<(), FetchError> {
        let name = match self {
            Self::Branch(name) | Self::Tag(name) | Self::Any(name) => name.as_str(),
            Self::Name(name) => name.strip_suffix(PEELED).unwrap_or(name),
            Self::Commit { commit, .. } => commit,
            Self::Semver(range) => {
                return VersionRange::parse(range).map(drop).map_err(FetchError::from);
            }
            Self::Head => return Ok(()),
        };
        let cause = match gix::validate::reference::name_partial(name.into()) {
            Ok(_) if name.starts_with('-') => "a reference must not begin with '-'".to_owned(),
            Ok(_) if matches!(self, Self::Name(_)) && !name.starts_with("refs/") => {
                "a full reference name begins with 'refs/'".to_owned()
            }
            Ok(_) => return self.check_branch(),
            Err(cause) => cause.to_string(),
        };
        Err(FetchError::Reference { wanted: self.to_string(), cause })
    }

    fn check_branch(&self) -> Result<(), FetchError> {
        match self {
            Self::Commit { branch: Some(name), .. } if name.starts_with("refs/") => {
                Self::Name(name.clone()).check()
            }
            Self::Commit { branch: Some(name), .. } => Self::Branch(name.clone()).check(),
            _ => Ok(()),
        }
    }

    /// What is asked for; the first that the server has counts.
    pub(crate) fn refspecs(&self) -> Vec<String> {
        let one = match self {
            Self::Branch(name) => format!("+refs/heads/{name}:refs/capstan/heads/{name}"),
            Self::Tag(name) => format!("+refs/tags/{name}:refs/capstan/tags/{name}"),
            Self::Semver(_) => "+refs/tags/*:refs/capstan/tags/*".to_owned(),
            Self::Name(name) => {
                let name = name.strip_suffix(PEELED).unwrap_or(name);
                format!("+{name}:refs/capstan/names/{name}")
            }
            Self::Any(name) => {
                let one =
                    |folder: &&str| format!("+refs/{folder}{name}:refs/capstan/any/{folder}{name}");
                return ["", "tags/", "heads/"].iter().map(one).collect();
            }
            Self::Head => "+HEAD:refs/capstan/head".to_owned(),
            Self::Commit { commit, .. } => format!("+{commit}:refs/capstan/commits/{commit}"),
        };
        vec![one]
    }

    /// Where the history lies that holds a commit, for servers that do not give commits by id.
    pub(crate) fn history(&self) -> Option<String> {
        match self {
            Self::Commit { branch: Some(name), .. } if name.starts_with("refs/") => {
                Self::Name(name.clone()).refspecs().pop()
            }
            Self::Commit { branch: Some(name), .. } => Self::Branch(name.clone()).refspecs().pop(),
            Self::Commit { branch: None, .. } => {
                Some("+refs/heads/*:refs/capstan/heads/*".to_owned())
            }
            _ => None,
        }
    }

    /// The tag that is asked for.
    pub(crate) fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(name) => Some(name),
            Self::Name(name) | Self::Commit { branch: Some(name), .. } => {
                let name = name.strip_prefix("refs/tags/")?;
                Some(name.strip_suffix(PEELED).unwrap_or(name))
            }
            _ => None,
        }
    }

    pub(crate) fn revision(&self, commit: String) -> Revision {
        let name = match self {
            Self::Branch(name) | Self::Tag(name) | Self::Name(name) | Self::Any(name) => {
                Some(name.clone())
            }
            Self::Head => Some("HEAD".to_owned()),
            Self::Commit { branch, .. } => branch.clone(),
            Self::Semver(_) => None,
        };
        Revision { name, commit }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => write!(f, "branch '{name}'"),
            Self::Tag(name) => write!(f, "tag '{name}'"),
            Self::Semver(range) => write!(f, "tag in the range '{range}'"),
            Self::Name(name) | Self::Any(name) => write!(f, "reference '{name}'"),
            Self::Head => f.write_str("reference 'HEAD'"),
            Self::Commit { commit, .. } => write!(f, "commit '{commit}'"),
        }
    }
}
