//! OCI artifacts: references, logins, layers and signatures, and the registries that hold them.
//!
//! What a registry sends is bounded, and checked by the digest that it was asked for by.

mod authority;
mod challenge;
pub mod cosign;
mod digest;
mod error;
mod login;
mod manifest;
mod registry;
mod repository;
mod tags;

pub use digest::Digest;
pub use error::OciError;
pub use login::{Keychain, Login};
pub use manifest::{Descriptor, Manifest, Platform};
pub use registry::{Found, Registry, Wanted};
pub use repository::Repository;
