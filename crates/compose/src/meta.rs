//! Names that Crossplane gives to labels, annotations and finalizers.

/// Label of every composed object: the name prefix of its composite.
pub const LABEL_COMPOSITE: &str = "crossplane.io/composite";
/// Label of composites and composed objects: the claim's name.
pub const LABEL_CLAIM_NAME: &str = "crossplane.io/claim-name";
/// Label of composites and composed objects: the claim's namespace.
pub const LABEL_CLAIM_NAMESPACE: &str = "crossplane.io/claim-namespace";
/// Label of a revision: the Composition that it was made from.
pub const LABEL_COMPOSITION_NAME: &str = "crossplane.io/composition-name";
/// Label of a revision: the digest of the Composition, cut to the length of a label.
pub const LABEL_COMPOSITION_HASH: &str = "crossplane.io/composition-hash";
/// Annotation of every composed object: the template that it came from.
pub const ANNOTATION_RESOURCE_NAME: &str = "crossplane.io/composition-resource-name";
/// Annotation that pauses reconciling.
pub const ANNOTATION_PAUSED: &str = "crossplane.io/paused";
/// Annotation with the name of the outside object.
pub const ANNOTATION_EXTERNAL_NAME: &str = "crossplane.io/external-name";
/// Finalizer of composites.
pub const FINALIZER_COMPOSITE: &str = "composite.apiextensions.crossplane.io";
/// Finalizer of claims.
pub const FINALIZER_CLAIM: &str = "finalizer.apiextensions.crossplane.io";
/// Finalizer of an XRD while its composite CRD is served.
pub const FINALIZER_DEFINED: &str = "defined.apiextensions.crossplane.io";
/// Finalizer of an XRD while its claim CRD is served.
pub const FINALIZER_OFFERED: &str = "offered.apiextensions.crossplane.io";
/// `type` of connection Secrets.
pub const SECRET_TYPE: &str = "connection.crossplane.io/v1alpha1";
