//! YAML for manifests: text to values and back.
//!
//! Reading resolves scalars as the Kubernetes tools do, which is neither YAML 1.1 nor 1.2 (see
//! [`Schema`]); emitting prints what kustomize prints. Both work on plain JSON values: comments,
//! styles and key order do not survive, because they do not survive kustomize either. What a build changes is a [`Value`],
//! which knows how its scalars are spelled: that decides what they are in the end. Everything survives in
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
mod value;

pub use emit::style::Style;
pub use emit::{Shape, Shown, emit, emit_all};
pub use error::YamlError;
pub use node::{Comments, Node, NodeKind, NodeStyle};
pub use number::{float_in_json, shortest, shortest_single};
pub use read::{Document, Mark, read, read_documents, read_marked, read_spelled};
pub use scalar::{Schema, needs_quotes, resolve};
pub use split::is_one_part;
pub use value::{Map, Scalar, Tag, Value, quote, set_field, set_scalar, size};
