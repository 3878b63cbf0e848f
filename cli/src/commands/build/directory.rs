use capstan_build::{Options, render_with};

use super::remote;
use super::source::Source;
use crate::args::Build;
use crate::failure::Failure;

/// What `kustomize build` prints for a directory.
pub(super) fn build(args: &Build) -> Result<String, Failure> {
    let source = Source::open(&args.directory, args.root.as_deref())?;
    remote::run(&source, args.no_remote_bases, |remotes| {
        render_with(&source.tree, &source.path, Options::KUSTOMIZE, remotes)
    })
}
