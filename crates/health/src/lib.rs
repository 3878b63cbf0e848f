//! Object health, by the rules of kstatus.
