use crate::resource::Resource;
use crate::resources::Resources;

/// Kinds whose name means something outside the build, so that it stays.
fn keeps_name(resource: &Resource) -> bool {
    let gvk = resource.original_id().gvk;
    matches!(
        (gvk.group.as_str(), gvk.kind.as_str()),
        (_, "CustomResourceDefinition" | "Namespace") | ("apiregistration.k8s.io", "APIService")
    )
}

/// Puts a prefix before every name.
pub(super) fn prefix(prefix: &str, resources: &mut Resources) {
    if !prefix.is_empty() {
        resources.iter_mut().filter(|r| !keeps_name(r)).for_each(|r| r.add_prefix(prefix));
    }
}

/// Puts a suffix after every name.
pub(super) fn suffix(suffix: &str, resources: &mut Resources) {
    if !suffix.is_empty() {
        resources.iter_mut().filter(|r| !keeps_name(r)).for_each(|r| r.add_suffix(suffix));
    }
}
