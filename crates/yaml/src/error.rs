/// Why a text is not YAML that describes JSON values. Lines and columns count from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct YamlError {
    /// The file as the caller named it.
    pub file: String,
    /// The line of the fault.
    pub line: usize,
    /// The column of the fault, in characters.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}
