//! What a build needs of a cluster: Kustomizations, and where variables come from.

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::args::Cluster;
use crate::connect;
use crate::failure::Failure;

/// The cluster of the flags. It is reached when something of it is needed first.
pub(super) struct Live<'a> {
    cluster: &'a Cluster,
    client: OnceCell<Client>,
}

impl<'a> Live<'a> {
    pub(super) const fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, client: OnceCell::const_new() }
    }

    /// A Kustomization, if it is there.
    pub(super) async fn kustomization(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Failure> {
        let gvk = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
        self.get(gvk, namespace, name).await
    }

    /// A ConfigMap or Secret, if it is there.
    pub(super) async fn variables(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Failure> {
        self.get(GroupVersionKind::gvk("", "v1", kind), namespace, name).await
    }

    async fn get(
        &self,
        gvk: GroupVersionKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Failure> {
        let client = self.client.get_or_try_init(|| connect::client(self.cluster)).await?;
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&gvk));
        let Some(found) = api.get_opt(name).await? else { return Ok(None) };
        serde_json::to_value(found).map(Some).map_err(|error| Failure::new(error.to_string()))
    }
}
