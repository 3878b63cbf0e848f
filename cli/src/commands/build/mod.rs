//! `capstan build`: what a directory, or a Kustomization, comes to.

mod directory;
mod live;
mod remote;
mod sops;
mod source;
mod unit;
mod variables;

use crate::args::{Build, BuildKind, Cluster};
use crate::failure::Failure;
use crate::{online, out};

/// Prints what a directory or a Kustomization builds to.
pub(crate) fn run(cluster: &Cluster, args: &Build) -> Result<(), Failure> {
    match &args.kind {
        None => out::data(&directory::build(args)?),
        Some(BuildKind::Kustomization(args)) => {
            let built = online(unit::build(cluster, args))?;
            out::data(&built)
        }
    }
}
