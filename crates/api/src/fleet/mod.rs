//! `fleet.capstan.dev`: what has no counterpart in Flux or Crossplane.

mod spoke;

pub use spoke::{
    AgentSpec, AgentStatus, ClusterReference, Drain, OnTimeout, RequiredObject, SecretKey,
    SecretName, Source, SpokeKubeConfig, SpokeSpec, SpokeStatus, UnitCount,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// The group.
pub const GROUP: &str = "fleet.capstan.dev";
/// Its one version.
pub const VERSION: &str = "v1alpha1";
/// The kind of a workload cluster.
pub const SPOKE: &str = "Spoke";
/// Its resource name.
pub const SPOKES: &str = "spokes";
/// The finalizer of a Spoke: it goes once the cluster has been drained.
pub const SPOKE_FINALIZER: &str = "fleet.capstan.dev/spoke";
/// Prefix of finalizers by which somebody keeps a managed resource in use. What follows the slash names the holder, for
/// example `spoke-commercial-staging`. While one is there, the external resource must not be deleted.
pub const IN_USE_PREFIX: &str = "in-use.fleet.capstan.dev/";
/// Namespace of the Secret in a spoke through which its agent reports to the hub.
pub const HUB_SECRET_NAMESPACE: &str = "flux-system";
/// Name of that Secret. Its key `kubeconfig` reaches the hub, its key `spoke` is the name of the Spoke.
pub const HUB_SECRET: &str = "capstan-hub";
/// Namespace of the heartbeat Leases in the management cluster, each named `spoke-<name>`.
pub const LEASE_NAMESPACE: &str = "flux-system";

/// What the name of a Spoke's identity begins with.
pub const SPOKE_IDENTITY: &str = "spoke-";

/// The name of a Spoke's Lease and of its ServiceAccount in the management cluster.
pub fn spoke_identity(spoke: &str) -> String {
    format!("{SPOKE_IDENTITY}{spoke}")
}

/// The CRDs of the group.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![spoke::crd()]
}
