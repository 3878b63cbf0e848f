//! The kit's own tests: one program, because linking costs more than running.

mod cluster;
mod git;
mod processes;
mod support;
mod whole;
