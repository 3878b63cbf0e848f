//! Sections of keys, as go-ini reads and writes them.

mod read;
mod write;

pub(super) use read::load;
pub(super) use write::emit;

/// The section of what stands before any other.
const DEFAULT: &str = "DEFAULT";
/// What may stand between a key and its value.
const DELIMITERS: [char; 2] = ['=', ':'];
