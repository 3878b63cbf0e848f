//! Crossplane's names for what is written on a managed resource, and our own beside them.

/// Keeps the object until the external resource is gone.
pub const FINALIZER: &str = "finalizer.managedresource.crossplane.io";
/// Keeps a ProviderConfig until nothing uses it.
pub const IN_USE_FINALIZER: &str = "in-use.crossplane.io";
/// The name or id of the external resource.
pub const EXTERNAL_NAME: &str = "crossplane.io/external-name";
/// When a create was last about to be called.
pub const CREATE_PENDING: &str = "crossplane.io/external-create-pending";
/// When a create was last answered with success.
pub const CREATE_SUCCEEDED: &str = "crossplane.io/external-create-succeeded";
/// When a create was last refused.
pub const CREATE_FAILED: &str = "crossplane.io/external-create-failed";
/// `true`: nothing is done.
pub const PAUSED: &str = "crossplane.io/paused";
/// `true`: a resource that carries another owner's tag is taken over.
pub const ADOPT: &str = "fleet.capstan.dev/adopt";
/// The region and the referenced values that the create was called with, as JSON: path below `spec.forProvider` to value.
pub const RESOLVED: &str = "fleet.capstan.dev/resolved";
/// The tag keys that were applied last, as a JSON list.
pub const APPLIED_TAGS: &str = "fleet.capstan.dev/applied-tags";
/// Type of a connection Secret.
pub const CONNECTION_SECRET_TYPE: &str = "connection.crossplane.io/v1alpha1";
/// Field manager of everything that is written here.
pub const FIELD_MANAGER: &str = "capstan-provision";
