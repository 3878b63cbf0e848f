/// Why an artifact cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The spec contradicts itself: only an edit helps.
    #[error("{0}")]
    Spec(String),
    /// A rule cannot be followed with what the sources hold.
    #[error("failed to apply copy operation from '{from}' to '{to}': {why}")]
    Copy {
        /// `@<alias>/<pattern>`.
        from: String,
        /// `@artifact/<path>`.
        to: String,
        /// What is wrong.
        why: String,
    },
}
