use crate::failure::Failure;
use crate::out;

/// Prints `capstan: v<version>`.
pub(crate) fn run() -> Result<(), Failure> {
    out::data(&format!("capstan: v{}\n", env!("CARGO_PKG_VERSION")))
}
