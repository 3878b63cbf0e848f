//! Variable substitution as Flux's postBuild does it.
//!
//! [`expand`] replaces `${name}` and the shell-like forms around it in a text;
//! [`expand_manifest`] does so on an object's YAML. The grammar is that of Flux's envsubst with all
//! its quirks, since repositories rely on them: `$name` stays as it is, `$$` is one dollar,
//! `${name:?text}` and `${name:+text}` act as defaults, suffix patterns are matched in reverse.

mod error;
mod eval;
mod manifest;
mod parse;

pub use error::{ManifestSubstError, SubstError, Syntax};
pub use eval::expand;
pub use manifest::{expand_manifest, expand_manifest_always};

#[cfg(test)]
mod tests;
