//! Executes a plan on a cluster.
