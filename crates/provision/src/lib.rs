//! The life of a managed resource: references, create classes, drift, deletion.
//!
//! [`Kind`] says what a resource is and how its service is called. This crate does the rest, the same for every kind: it
//! decides step by step (`decide`), writes down what must survive a crash before it acts, and acts (`pass`).
//! References are followed in memory and never written into a spec; deletion runs the same graph backwards.

mod aws;
mod configs;
mod controller;
mod decide;
#[cfg(test)]
mod decide_tests;
mod drift;
mod erased;
mod graph;
mod kind;
mod managed;
pub mod names;
mod pass;
mod path;
mod provider;
mod references;
mod secret;
mod siblings;
mod status;
pub mod tags;
#[cfg(test)]
mod testing;
mod world;

pub use aws::{ROLE_ANNOTATION, account_identity};
pub use controller::run;
pub use drift::Drifts;
pub use erased::DynKind;
pub use kind::{
    Context, CreateClass, Created, Drift, Edge, Extract, InitialName, Kind, KindMeta, Observed,
    Owner, Present, Reference, State,
};
pub use provider::{Connected, Provider};
pub use secret::fault;
pub use world::{Options, World};
