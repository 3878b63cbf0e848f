//! The kit's own tests: one program, because linking costs more than running.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod cluster;
mod git;
mod parts;
mod processes;
mod support;
mod whole;
