//! The managed resources, one folder a kind.
