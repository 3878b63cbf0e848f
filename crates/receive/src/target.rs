use std::collections::BTreeMap;

use capstan_api::flux::ReceiverResource;
use capstan_model::GroupVersionKind;

/// The kinds that a Receiver may name, each in the version that Flux stores.
const KINDS: &[(&str, &str)] = &[
    ("Bucket", "source.toolkit.fluxcd.io/v1"),
    ("GitRepository", "source.toolkit.fluxcd.io/v1"),
    ("HelmChart", "source.toolkit.fluxcd.io/v1"),
    ("HelmRepository", "source.toolkit.fluxcd.io/v1"),
    ("OCIRepository", "source.toolkit.fluxcd.io/v1"),
    ("ExternalArtifact", "source.toolkit.fluxcd.io/v1"),
    ("Kustomization", "kustomize.toolkit.fluxcd.io/v1"),
    ("HelmRelease", "helm.toolkit.fluxcd.io/v2"),
    ("ImageRepository", "image.toolkit.fluxcd.io/v1"),
    ("ImagePolicy", "image.toolkit.fluxcd.io/v1"),
    ("ImageUpdateAutomation", "image.toolkit.fluxcd.io/v1"),
    ("ArtifactGenerator", "source.extensions.fluxcd.io/v1beta1"),
];

/// What an entry of `spec.resources` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The kind, in the version that was asked for.
    pub gvk: GroupVersionKind,
    /// Where.
    pub namespace: String,
    /// Which.
    pub selected: Selected,
}

/// Which objects of a kind and namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// One.
    Named(String),
    /// All with these labels; all of them when there are none.
    Labelled(BTreeMap<String, String>),
}

/// Why an entry of `spec.resources` names nothing. Words of notification-controller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It lies in another namespace than the Receiver.
    #[error("cross-namespace references are not allowed")]
    CrossNamespace,
    /// A kind that is none of Flux's.
    #[error("apiVersion must be specified for kind \"{0}\"")]
    NoApiVersion(String),
    /// All, but of which labels?
    #[error("matchLabels field not set when using wildcard '*' as name")]
    NoLabels,
}

/// What an entry of a Receiver in a namespace means. With `no_cross_namespace` it must lie in the same.
///
/// Without an apiVersion, Flux knows the version of sources and image repositories only; here each kind has one.
///
/// # Errors
/// When the entry names nothing that may be reconciled.
pub fn target(
    resource: &ReceiverResource,
    receiver_namespace: &str,
    no_cross_namespace: bool,
) -> Result<Target, TargetError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let namespace = given(&resource.namespace).unwrap_or_else(|| receiver_namespace.to_owned());
    if no_cross_namespace && namespace != receiver_namespace {
        return Err(TargetError::CrossNamespace);
    }
    let kind = &resource.kind;
    let stored = KINDS.iter().find(|(name, _)| name == kind).map(|(_, version)| *version);
    let api_version = given(&resource.api_version)
        .or_else(|| stored.map(str::to_owned))
        .ok_or_else(|| TargetError::NoApiVersion(kind.clone()))?;
    let selected = match &*resource.name {
        "*" if resource.match_labels.is_empty() => return Err(TargetError::NoLabels),
        "*" => Selected::Labelled(resource.match_labels.clone()),
        name => Selected::Named(name.to_owned()),
    };
    let gvk = GroupVersionKind::from_api_version(&api_version, kind);
    Ok(Target { gvk, namespace, selected })
}

impl Selected {
    /// The labels as a label selector; nothing for one object.
    pub fn selector(&self) -> Option<String> {
        let Self::Labelled(labels) = self else { return None };
        let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(pairs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::{Selected, TargetError, target};
    use capstan_api::flux::ReceiverResource;

    fn resource(kind: &str, name: &str, namespace: Option<&str>) -> ReceiverResource {
        ReceiverResource {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            ..ReceiverResource::default()
        }
    }

    #[test]
    fn a_kind_has_flux_version_unless_another_is_named() {
        let found = target(&resource("GitRepository", "a", None), "n", true).expect("a target");
        assert_eq!(found.gvk.api_version(), "source.toolkit.fluxcd.io/v1");
        assert_eq!((&*found.namespace, found.selected), ("n", Selected::Named("a".to_owned())));
        let mut named = resource("GitRepository", "a", Some("m"));
        named.api_version = Some("source.toolkit.fluxcd.io/v1beta2".to_owned());
        let found = target(&named, "n", false).expect("a target");
        assert_eq!(found.gvk.api_version(), "source.toolkit.fluxcd.io/v1beta2");
        assert_eq!(found.namespace, "m");
        let unknown = target(&resource("Pod", "a", None), "n", false);
        assert_eq!(unknown, Err(TargetError::NoApiVersion("Pod".to_owned())));
    }

    #[test]
    fn another_namespace_is_refused_when_the_operator_says_so() {
        let elsewhere = resource("Kustomization", "a", Some("m"));
        assert_eq!(target(&elsewhere, "n", true), Err(TargetError::CrossNamespace));
        assert!(target(&resource("Kustomization", "a", Some("n")), "n", true).is_ok());
    }

    #[test]
    fn a_star_needs_labels() {
        let mut star = resource("Bucket", "*", None);
        assert_eq!(target(&star, "n", false), Err(TargetError::NoLabels));
        star.match_labels = [("b", "2"), ("a", "1")].map(|(k, v)| (k.into(), v.into())).into();
        let found = target(&star, "n", false).expect("a target");
        assert_eq!(found.selected.selector().as_deref(), Some("a=1,b=2"));
    }
}
