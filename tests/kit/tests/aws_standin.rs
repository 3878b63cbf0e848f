//! The AWS stand-in, judged from outside.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

#[path = "aws/edges.rs"]
mod edges;
#[path = "aws/identity.rs"]
mod identity;
#[path = "aws/judges.rs"]
mod judges;
#[path = "aws/support.rs"]
mod support;
