use std::fmt;
use std::ops::{Deref, DerefMut};

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

/// Why a directory cannot be built. Small, because results carry it everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError(Box<Details>);

/// What a [`BuildError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
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
    /// What else is wrong.
    pub more: Vec<BuildError>,
}

impl Deref for BuildError {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for BuildError {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// As many faults as anybody reads at once.
const MOST: usize = 20;

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            message: message.into(),
            place: None,
            layers: Vec::new(),
            doing: None,
            hint: None,
            more: Vec::new(),
        }))
    }

    /// Does all of the work, and tells all that went wrong: up to twenty faults, each once.
    ///
    /// # Errors
    /// The first fault, with the others in `more`.
    pub(crate) fn gather(work: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let mut faults: Vec<Self> = Vec::new();
        for mut fault in work.into_iter().filter_map(Result::err) {
            let more = std::mem::take(&mut fault.more);
            for fault in [fault].into_iter().chain(more) {
                if faults.len() < MOST && !faults.iter().any(|known| known.is_same(&fault)) {
                    faults.push(fault);
                }
            }
        }
        let mut faults = faults.into_iter();
        match faults.next() {
            None => Ok(()),
            Some(mut first) => {
                first.more = faults.collect();
                Err(first)
            }
        }
    }

    /// The same fault, maybe met on another way.
    fn is_same(&self, other: &Self) -> bool {
        self.message == other.message && self.place == other.place
    }

    /// This fault and the others.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(&self.more)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the place unless a closer one is known already.
    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self.each(|fault| fault.at(place))
    }

    /// Says what was being done, unless that is known already.
    pub(crate) fn while_(mut self, doing: &'static str) -> Self {
        self.doing.get_or_insert(doing);
        self.each(|fault| fault.while_(doing))
    }

    /// Adds the line of the layer above, which included the faulty one.
    pub(crate) fn through(mut self, place: &Place) -> Self {
        self.layers.push(place.clone());
        self.each(|fault| fault.through(place))
    }

    fn each(mut self, change: impl Fn(Self) -> Self) -> Self {
        self.more = std::mem::take(&mut self.more).into_iter().map(change).collect();
        self
    }
}

impl From<YamlError> for BuildError {
    fn from(error: YamlError) -> Self {
        let place = Place { file: error.file, line: error.line };
        Self::new(format!("invalid YAML: {} (column {})", error.message, error.column)).at(&place)
    }
}

/// One line a fault, but for what a message itself has in lines.
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
        self.more.iter().try_for_each(|fault| write!(f, "\n{fault}"))
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
        let mut hints: Vec<String> = Vec::new();
        for hint in self.all().filter_map(|fault| fault.hint.as_ref()) {
            if !hints.contains(hint) {
                hints.push(hint.clone());
            }
        }
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::{BuildError, Place};
    use capstan_model::Fault as _;

    fn fault(message: &str) -> Result<(), BuildError> {
        Err(BuildError::new(message).hint("mend it"))
    }

    #[test]
    fn all_faults_are_told_each_once() {
        let place = Place { file: "k.yaml".to_owned(), line: 3 };
        let inner = || BuildError::gather([fault("b"), fault("c")]);
        let error = BuildError::gather([Ok(()), fault("a"), inner(), inner()]).expect_err("faults");
        let error = error.at(&place).through(&place);
        let told = |name: &str| format!("k.yaml:3: {name}, included by k.yaml:3");
        assert_eq!(error.to_string(), [told("a"), told("b"), told("c")].join("\n"));
        assert_eq!(error.hints(), ["mend it"]);
        assert_eq!(BuildError::gather([Ok(())]), Ok(()));
    }

    #[test]
    fn nobody_is_flooded() {
        let error = BuildError::gather((0..1000).map(|n| fault(&n.to_string())));
        assert_eq!(error.expect_err("faults").all().count(), 20);
    }
}
