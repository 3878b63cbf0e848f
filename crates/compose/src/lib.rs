//! Compositions: XRDs to CRDs, claims, patches and transforms, readiness.
//!
//! Everything here is a function of its arguments: the composite, the Composition and what was
//! observed of the children go in, the desired children and the composite's new state come out.
//! The rules are those of Crossplane 1.15 (mode `Resources`); the dialect of
//! function-patch-and-transform is in [`function`].

pub mod claim;
pub mod composition;
pub mod configure;
pub mod connection;
pub mod fieldpath;
pub mod function;
mod go;
pub mod meta;
pub mod patch;
pub mod readiness;
pub mod render;
pub mod revision;
pub mod schema;
pub mod select;
pub mod transform;
pub mod validate;
pub mod wire;
pub mod xrd;

pub use composition::{Composition, CompositionError, Mode, Template};
pub use render::{Blocked, Child, Input, Observed, Orphan, Rendered, ResourceRef, Warning, render};
pub use xrd::{Xrd, XrdError};
