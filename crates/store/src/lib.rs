//! Artifacts: Flux's tar.gz over HTTP.
