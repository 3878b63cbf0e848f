use std::fmt;

use capstan_model::GroupVersionKind;

use crate::patch::PatchError;

/// Why a child is neither created nor updated in this pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Patches failed; all of them, so that a user sees every missing field at once.
    Patches(Vec<PatchError>),
    /// The base is not an object with apiVersion and kind.
    Base {
        /// The template.
        template: String,
        /// What is missing.
        problem: String,
    },
    /// The object of that name has another kind than the template.
    Kind {
        /// The template.
        template: String,
        /// The kind that exists.
        exists: String,
        /// The kind of the template.
        wanted: String,
    },
    /// Another object controls it.
    Foreign {
        /// The template.
        template: String,
        /// `Kind/name` of who controls it.
        controller: String,
    },
}

impl Blocked {
    /// Does it only wait for required fields that nobody has filled yet? Then it is no fault.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Patches(errors) if errors.iter().all(PatchError::is_waiting))
    }
}

impl std::error::Error for Blocked {}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patches(errors) => {
                for (index, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if index > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
            Self::Base { template, problem } => {
                write!(f, "template `{template}`: base {problem}")
            }
            Self::Kind { template, exists, wanted } => write!(
                f,
                "template `{template}`: its object is a {exists}, the template makes a {wanted}: \
                 rename the template"
            ),
            Self::Foreign { template, controller } => {
                write!(f, "template `{template}`: its object is controlled by {controller}")
            }
        }
    }
}

/// What was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The schema of the kind does not know a field.
    Dropped {
        /// The template; empty for the composite itself.
        template: String,
        /// Kind.
        gvk: GroupVersionKind,
        /// Path of the field.
        field: String,
    },
    /// A patch gave an object that exists another name.
    NameKept {
        /// The template.
        template: String,
        /// The name that it keeps.
        name: String,
        /// The name that the template gives now.
        wanted: String,
    },
    /// A readiness check or connection detail cannot be read; the sentence says which.
    Ignored {
        /// The template.
        template: String,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped { template, gvk, field } if template.is_empty() => {
                write!(f, "dropped `{field}`: {gvk} has no such field")
            }
            Self::Dropped { template, gvk, field } => {
                write!(f, "template `{template}`: dropped `{field}`: {gvk} has no such field")
            }
            Self::NameKept { template, name, wanted } => write!(
                f,
                "template `{template}`: its object keeps the name `{name}`, though the template \
                 now says `{wanted}`"
            ),
            Self::Ignored { template, problem } => write!(f, "template `{template}`: {problem}"),
        }
    }
}
