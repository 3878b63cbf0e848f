use std::error::Error;
use std::fmt;

/// Would trying again help?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may succeed soon: a timeout, a throttle, a lost connection.
    Transient,
    /// Only a change of the inputs helps: a missing file, a rejected object.
    AfterChange,
    /// Nothing but an edit of the spec helps, and polling is a waste: an invalid spec.
    Never,
}

/// What every error of an effect crate answers.
pub trait Fault: Error {
    /// Would trying again help?
    fn retry(&self) -> Retry;
    /// The condition reason, in Flux's or Crossplane's words.
    fn reason(&self) -> &'static str;
    /// What the user can do next; each hint is a sentence.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Prints an error with its causes, `: `-separated, leaving out a cause that its parent already says.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Chain;

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("outer")]
        Apart(#[source] Inner),
        #[error("outer, because inner")]
        Within(#[source] Inner),
    }

    #[test]
    fn a_cause_is_said_once() {
        assert_eq!(Chain(&Outer::Apart(Inner)).to_string(), "outer: inner");
        assert_eq!(Chain(&Outer::Within(Inner)).to_string(), "outer, because inner");
    }
}
