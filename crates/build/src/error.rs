use std::fmt;

use capstan_model::{Fault, Retry};
use capstan_yaml::YamlError;

/// A line of a file of the tree; the line counts from one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path from the root of the tree.
    pub file: String,
    /// The line.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a directory cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// What is wrong.
    pub message: String,
    /// Where it is wrong, when that is one line of one file.
    pub place: Option<Place>,
    /// The lines that led there, innermost first: which layer included the faulty one.
    pub layers: Vec<Place>,
    /// What was being done, where kustomize says so too.
    pub doing: Option<&'static str>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, layers: Vec::new(), doing: None, hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the place unless a closer one is known already.
    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Says what was being done, unless that is known already.
    pub(crate) fn while_(mut self, doing: &'static str) -> Self {
        self.doing.get_or_insert(doing);
        self
    }

    /// Adds the line of the layer above, which included the faulty one.
    pub(crate) fn through(mut self, place: &Place) -> Self {
        self.layers.push(place.clone());
        self
    }
}

impl From<YamlError> for BuildError {
    fn from(error: YamlError) -> Self {
        let place = Place { file: error.file, line: error.line };
        Self::new(format!("invalid YAML: {} (column {})", error.message, error.column)).at(&place)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(doing) = self.doing {
            write!(f, "{doing}: ")?;
        }
        f.write_str(&self.message)?;
        for layer in &self.layers {
            write!(f, ", included by {layer}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

impl Fault for BuildError {
    fn retry(&self) -> Retry {
        Retry::AfterChange
    }

    fn reason(&self) -> &'static str {
        "BuildFailed"
    }

    fn hints(&self) -> Vec<String> {
        self.hint.iter().cloned().collect()
    }
}
