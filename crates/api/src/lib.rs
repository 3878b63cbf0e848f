//! The custom resources that Capstan serves, as types and as CRDs.

pub mod crd;
pub mod crossplane;
pub mod fleet;
pub mod flux;
