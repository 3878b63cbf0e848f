//! The build engine under a stopwatch: trees to build, and builds over and over in one process.

mod report;
pub mod revision;
pub mod run;
pub mod table;
pub mod trees;

pub use report::{Report, median};
