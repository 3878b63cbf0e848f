//! The hub: claims to AWS resources and spokes.

fn main() {}
