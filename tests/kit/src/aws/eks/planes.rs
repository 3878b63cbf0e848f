//! The control planes behind the clusters.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

/// A control plane to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneOrder {
    /// The cluster's name in AWS.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The issuer of its ServiceAccount tokens, as EKS names it.
    pub issuer: String,
    /// URL that answers TokenReviews of `k8s-aws-v1.` tokens for this cluster.
    pub token_webhook: String,
    /// `AWS_ENDPOINT_URL` of what runs in the cluster.
    pub aws_endpoint: String,
}

/// A node that joins a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOrder {
    /// The node's name, as EC2 would call the instance.
    pub name: String,
    /// Its labels, those of EKS and of the node group.
    pub labels: BTreeMap<String, String>,
}

/// Where the stand-in gets the control plane of a cluster that it creates.
pub trait Planes: Send + Sync + 'static {
    /// Starts one; it need not answer yet. A failure ends the cluster as `FAILED`.
    fn start(&self, order: PlaneOrder) -> BoxFuture<'static, anyhow::Result<Arc<dyn Plane>>>;
}

/// A running control plane. Dropping the last handle stops it, at the latest.
pub trait Plane: Send + Sync + 'static {
    /// `https://127.0.0.1:<port>`.
    fn endpoint(&self) -> String;
    /// The certificate authority of the endpoint.
    fn ca_pem(&self) -> String;
    /// The public key that verifies its ServiceAccount tokens.
    fn sa_public_key_pem(&self) -> String;
    /// Whether `/readyz` answers.
    fn is_ready(&self) -> BoxFuture<'_, bool>;
    /// A node joins.
    fn add_node(&self, node: NodeOrder) -> BoxFuture<'_, anyhow::Result<()>>;
    /// A node leaves; its pods go with it.
    fn remove_node(&self, name: String) -> BoxFuture<'_, anyhow::Result<()>>;
    /// Stops everything of this cluster.
    fn stop(&self) -> BoxFuture<'_, ()>;
}
