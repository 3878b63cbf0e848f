//! The kinds that the hub reads by name.

use capstan_api::fleet;
use capstan_model::GroupVersionKind;

/// CompositeResourceDefinition.
pub(crate) fn definition() -> GroupVersionKind {
    GroupVersionKind::new("apiextensions.crossplane.io", "v1", "CompositeResourceDefinition")
}

/// Composition.
pub(crate) fn composition() -> GroupVersionKind {
    GroupVersionKind::new("apiextensions.crossplane.io", "v1", "Composition")
}

/// CustomResourceDefinition.
pub(crate) fn crd() -> GroupVersionKind {
    GroupVersionKind::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
}

/// Spoke.
pub(crate) fn spoke() -> GroupVersionKind {
    GroupVersionKind::new(fleet::GROUP, fleet::VERSION, fleet::SPOKE)
}

/// Lease.
pub(crate) fn lease() -> GroupVersionKind {
    GroupVersionKind::new("coordination.k8s.io", "v1", "Lease")
}

/// Secret.
pub(crate) fn secret() -> GroupVersionKind {
    GroupVersionKind::new("", "v1", "Secret")
}
