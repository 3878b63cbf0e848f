//! Variable substitution as Flux's postBuild does it.
