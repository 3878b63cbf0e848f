//! Immutable source trees.
