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

/// Prints an error with its causes, and then its hints as sentences: what went wrong, and what to do next.
pub struct Advice<'a, E>(pub &'a E);

impl<E: Fault + 'static> fmt::Display for Advice<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Chain(self.0), Hints(self.0))
    }
}

/// Prints the hints of an error, each as a sentence that goes on after `. `.
pub struct Hints<'a, E>(pub &'a E);

impl<E: Fault> fmt::Display for Hints<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hint in self.0.hints() {
            let mut rest = hint.chars();
            let first = rest.next().map(|c| c.to_ascii_uppercase()).into_iter();
            let sentence: String = first.chain(rest).collect();
            write!(f, ". {}", sentence.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Advice, Chain, Fault, Retry};

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

    impl Fault for Outer {
        fn retry(&self) -> Retry {
            Retry::AfterChange
        }

        fn reason(&self) -> &'static str {
            "Failed"
        }

        fn hints(&self) -> Vec<String> {
            vec!["mend it".to_owned(), "Or leave it.".to_owned()]
        }
    }

    #[test]
    fn hints_follow_as_sentences() {
        let text = Advice(&Outer::Apart(Inner)).to_string();
        assert_eq!(text, "outer: inner. Mend it. Or leave it");
    }

    #[test]
    fn a_cause_is_said_once() {
        assert_eq!(Chain(&Outer::Apart(Inner)).to_string(), "outer: inner");
        assert_eq!(Chain(&Outer::Within(Inner)).to_string(), "outer, because inner");
    }
}
