use capstan_build::Options;

use super::source::Source;
use crate::args::Build;
use crate::failure::Failure;

/// What `kustomize build` prints for a directory.
pub(super) fn build(args: &Build) -> Result<String, Failure> {
    let source = Source::open(&args.directory, args.root.as_deref())?;
    capstan_build::render(&source.tree, &source.path, Options::KUSTOMIZE)
        .map_err(|error| source.failure(&error))
}
