//! The AWS stand-in, judged from outside.

#[path = "aws/edges.rs"]
mod edges;
#[path = "aws/identity.rs"]
mod identity;
#[path = "aws/judges.rs"]
mod judges;
#[path = "aws/support.rs"]
mod support;
