//! Flux's kinds: `source.toolkit.fluxcd.io`, `kustomize.toolkit.fluxcd.io`, `notification.toolkit.fluxcd.io`, and
//! those that are only served, `helm.toolkit.fluxcd.io` among them.

mod artifact_generator;
mod bucket;
mod external_artifact;
mod git_repository;
mod kustomization;
mod oci_repository;
mod receiver;
mod shared;
mod unreconciled;

pub use artifact_generator::{
    ArtifactGeneratorSpec, ArtifactGeneratorStatus, CopyOperation, GeneratedArtifact,
    GeneratorSource, OutputArtifact,
};
pub use bucket::{BucketSpec, BucketStatus, BucketSts};
pub use external_artifact::{ExternalArtifactSpec, ExternalArtifactStatus, ExternalSource};
pub use git_repository::{
    GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec, GitRepositoryStatus,
    GitRepositoryVerification,
};
pub use kustomization::{
    CommonMetadata, CrossNamespaceSource, CustomHealthCheck, Decryption, Dependency, HealthCheck,
    HistoryEntry, IgnoreRule, Image, Inventory, InventoryEntry, KubeConfig, KustomizationSpec,
    KustomizationStatus, Patch, PatchTarget, PostBuild, SubstituteReference,
};
pub use oci_repository::{
    OciLayerSelector, OciRepositoryRef, OciRepositorySpec, OciRepositoryStatus, OciVerification,
    OidcIdentity,
};
pub use receiver::{
    OidcProvider, OidcValidation, OidcVariable, ReceiverResource, ReceiverSpec, ReceiverStatus,
};
pub use shared::{Artifact, LocalReference, SecretKeyReference};
pub use unreconciled::{UNRECONCILED, Unreconciled};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// The source group.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// The group of what makes sources of sources.
pub const SOURCE_EXTENSIONS_GROUP: &str = "source.extensions.fluxcd.io";
/// The kustomize group.
pub const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// The Helm group.
pub const HELM_GROUP: &str = "helm.toolkit.fluxcd.io";
/// The notification group.
pub const NOTIFICATION_GROUP: &str = "notification.toolkit.fluxcd.io";
/// The finalizer of every Flux kind that has something to clean up.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Any new value of this annotation starts a reconciliation.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Flux's CRDs, stored and served as Flux 2.9 does, with the older versions served beside them.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let reconciled = [
        git_repository::crd(),
        oci_repository::crd(),
        bucket::crd(),
        external_artifact::crd(),
        artifact_generator::crd(),
        kustomization::crd(),
        receiver::crd(),
    ];
    reconciled.into_iter().chain(UNRECONCILED.iter().map(Unreconciled::crd)).collect()
}
