use capstan_model::{Fault, ObjectId, Retry};
use capstan_yaml::YamlError;

/// What is wrong with a `${…}`. The texts are those of Flux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Syntax {
    /// No name follows the brace.
    #[error("unable to parse variable name")]
    Name,
    /// What follows the name is neither a brace nor an operator.
    #[error("missing closing brace")]
    ClosingBrace,
    /// An operator without the operand that it needs.
    #[error("unable to parse substitution within function")]
    Operand,
    /// Anything else.
    #[error("bad substitution")]
    Bad,
    /// Deeper than any sane text; a limit keeps hostile ones from exhausting the stack.
    #[error("more than 100 levels of nested substitutions")]
    Depth,
}

/// Why a text could not be expanded. Values never appear: they may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubstError {
    /// The text is not in the grammar.
    #[error("{what} in `${{{name}` on line {line}: write `$${{` for a literal `${{`")]
    Syntax {
        /// The fault.
        what: Syntax,
        /// The variable's name, as far as it was read.
        name: String,
        /// Line of the text, from 1.
        line: usize,
    },
    /// Strict mode, and a variable without value or default.
    #[error("variable not set (strict mode): {0:?}")]
    Unset(String),
    /// A substring of negative length.
    #[error("negative length in `${{{0}:…}}`")]
    NegativeLength(String),
    /// The result has no place.
    #[error("the text expands to more than 256 MiB: use shorter values, or fewer places for them")]
    TooLarge,
    /// A pattern that would be tried at too many places.
    #[error(
        "`${{{0}}}` is too long for a pattern with wildcards: at most 8 KiB; cut it before, or by a plain text"
    )]
    TooLong(String),
}

/// Why an object could not be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestSubstError {
    /// A variable's name that no text could use.
    #[error(
        "'{0}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$': rename it in \
         postBuild.substitute or in the ConfigMap or Secret of postBuild.substituteFrom"
    )]
    VariableName(String),
    /// The text of the object does not expand.
    #[error("post build failed for '{object}': variable substitution failed: {source}")]
    Expand {
        /// The object.
        object: Box<ObjectId>,
        /// The fault.
        source: SubstError,
    },
    /// What comes out is not YAML; the line is that of the object as kustomize prints it.
    #[error("post build failed for '{object}': the substituted text is not YAML: {source}")]
    Yaml {
        /// The object.
        object: Box<ObjectId>,
        /// The fault.
        source: YamlError,
    },
    /// What comes out is YAML and not one object.
    #[error("post build failed for '{object}': the substituted text is not one object: {reason}")]
    NotAnObject {
        /// The object.
        object: Box<ObjectId>,
        /// What it is instead.
        reason: String,
    },
}

impl Fault for ManifestSubstError {
    fn retry(&self) -> Retry {
        Retry::AfterChange
    }

    fn reason(&self) -> &'static str {
        "BuildFailed"
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Expand { source: SubstError::Unset(name), .. } => vec![format!(
                "set `{name}` in postBuild.substitute or in an object of postBuild.substituteFrom, \
                 or write a default: `${{{name}:=default}}`"
            )],
            _ => Vec::new(),
        }
    }
}
