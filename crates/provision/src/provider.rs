use std::future::Future;
use std::sync::Arc;

use capstan_cloud::CloudError;
use capstan_model::Manifest;

use crate::world::World;

/// What a connection attempt found.
#[derive(Debug)]
pub enum Connected<P> {
    /// Calls can be made.
    Live(P),
    /// What the resource lives in is gone or going, and the resource with it: a remote object whose cluster is deleted.
    Gone,
}

/// What the calls of a kind are made with, made from the ProviderConfig that an object names.
pub trait Provider: Send + Sync + Sized + 'static {
    /// Group and version of its ProviderConfig kind, for example `aws.crossplane.io` and `v1beta1`.
    const CONFIG: (&'static str, &'static str);

    /// Connects for one object. Connections are shared and cached below; this is called at every pass.
    fn connect(
        world: &World,
        object: &Manifest,
    ) -> impl Future<Output = Result<Connected<Arc<Self>>, CloudError>> + Send;
}
