//! Status, conditions and events of what was done.
