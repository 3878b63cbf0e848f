//! YAML documents with their comments, as go-yaml v3 attaches and writes them.

mod read;
mod write;

pub(super) use read::load;
pub(super) use write::emit;
