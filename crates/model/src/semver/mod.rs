//! Semantic versions and ranges of them, as Masterminds/semver v3 reads them: what Flux resolves tags with.

mod range;
mod version;

pub use range::{VersionRange, VersionRangeError};
pub use version::Version;
