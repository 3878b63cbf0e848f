//! The build: kustomize over a source tree, in memory.
