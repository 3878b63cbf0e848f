//! The agent: pulls, builds and applies in its cluster.

fn main() {}
