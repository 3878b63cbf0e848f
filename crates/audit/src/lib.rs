//! Invariants of a plan, checked apart from the planner.
