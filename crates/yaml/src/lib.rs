//! YAML for manifests: text to values and back.
//!
//! Reading resolves scalars as the Kubernetes tools do, which is neither YAML 1.1 nor 1.2 (see
//! [`Schema`]); emitting prints what kustomize prints. Both work on plain JSON values: comments,
//! styles and key order do not survive, because they do not survive kustomize either. They do survive in
//! YAML inside of a text, which is read and written as a tree of [`Node`]s.

mod emit;
mod error;
mod folded;
mod node;
mod number;
mod order;
mod read;
mod scalar;
mod split;
mod timestamp;

pub use emit::{emit, emit_all};
pub use error::YamlError;
pub use folded::rewritten;
pub use node::{Comments, Node, NodeKind, NodeStyle};
pub use read::{Document, Mark, read, read_documents, read_marked, size};
pub use scalar::{Schema, needs_quotes, resolve};
