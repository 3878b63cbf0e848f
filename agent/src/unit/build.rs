use std::collections::HashMap;

use capstan_api::flux::{self as api, KustomizationSpec};
use capstan_build::{CommonMetadata, Overlay};
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{Advice, GroupVersionKind, Manifest};
use capstan_plan::{Input, InventoryEntry, Owner, Plan, Scope};
use capstan_report::Failure;
use serde_json::{Value, json};

use super::failure;
use super::variables::Variables;
use crate::kinds;
use crate::source::Source;
use crate::world::FIELD_MANAGER;

/// Builds and substitutes. Pure work, so it runs where it may block.
pub(super) async fn build(
    source: Source,
    spec: KustomizationSpec,
    variables: Variables,
) -> Result<Vec<Manifest>, Failure> {
    let work = move || build_now(&source, &spec, &variables);
    match tokio::task::spawn_blocking(work).await {
        Ok(built) => built,
        Err(panic) => Err(failure("BuildFailed", format!("the build panicked: {panic}"))),
    }
}

fn build_now(
    source: &Source,
    spec: &KustomizationSpec,
    variables: &Variables,
) -> Result<Vec<Manifest>, Failure> {
    let path = spec.path.as_deref().unwrap_or(".").trim_start_matches('/');
    if source.tree.kind(path) != Some(capstan_tree::EntryKind::Dir) {
        let message = format!(
            "kustomization path not found: no folder `{}` in {}; push it, or correct spec.path",
            spec.path.as_deref().unwrap_or("."),
            source.revision
        );
        return Err(failure("ArtifactFailed", message));
    }
    let manifests = capstan_build::build(&source.tree, path, &overlay(spec)).map_err(|error| {
        failure("BuildFailed", format!("kustomize build failed: {}", Advice(&error)))
    })?;
    if !variables.apply {
        return Ok(manifests);
    }
    let expand = |manifest: &Manifest| {
        capstan_subst::expand_manifest(manifest, &variables.values, true)
            .map_err(|error| failure("BuildFailed", Advice(&error).to_string()))
    };
    manifests.iter().map(expand).collect()
}

/// What the Kustomization adds to the folder's own kustomization.
fn overlay(spec: &KustomizationSpec) -> Overlay {
    let common = spec.common_metadata.clone().unwrap_or_default();
    Overlay {
        target_namespace: spec.target_namespace.clone(),
        name_prefix: spec.name_prefix.clone(),
        name_suffix: spec.name_suffix.clone(),
        patches: spec.patches.iter().map(patch).collect(),
        images: spec.images.iter().map(image).collect(),
        components: spec.components.clone(),
        common_metadata: CommonMetadata { labels: common.labels, annotations: common.annotations },
    }
}

fn patch(patch: &api::Patch) -> capstan_build::Patch {
    let target = patch.target.clone().map(|target| {
        let api::PatchTarget {
            annotation_selector,
            group,
            kind,
            label_selector,
            name,
            namespace,
            version,
        } = target;
        capstan_build::Target {
            group: group.unwrap_or_default(),
            version: version.unwrap_or_default(),
            kind: kind.unwrap_or_default(),
            name: name.unwrap_or_default(),
            namespace: namespace.unwrap_or_default(),
            label_selector: label_selector.unwrap_or_default(),
            annotation_selector: annotation_selector.unwrap_or_default(),
        }
    });
    capstan_build::Patch { patch: patch.patch.clone(), target, ..Default::default() }
}

fn image(image: &api::Image) -> capstan_build::Image {
    let api::Image { name, new_name, new_tag, digest } = image.clone();
    capstan_build::Image {
        name,
        new_name: new_name.unwrap_or_default(),
        new_tag: new_tag.unwrap_or_default(),
        digest: digest.unwrap_or_default(),
        tag_suffix: String::new(),
    }
}

/// Plans, with the scopes that the target serves, and has the plan checked by a second pair of eyes.
pub(super) async fn plan(
    cluster: &Cluster,
    unit: &Manifest,
    spec: &KustomizationSpec,
    desired: Vec<Manifest>,
) -> Result<Plan, Failure> {
    let scopes =
        scopes(cluster, &desired).await.map_err(|error| unreachable(cluster, spec, &error))?;
    let inventory = inventory(unit);
    let input = Input {
        desired,
        inventory: inventory.clone(),
        prune: spec.prune,
        owner: owner(unit),
        scopes: &|gvk| scopes.get(gvk).copied().unwrap_or(Scope::Unknown),
        field_manager: FIELD_MANAGER.to_owned(),
        force: spec.force,
    };
    let plan =
        capstan_plan::plan(input).map_err(|errors| failure("BuildFailed", errors.to_string()))?;
    let violations = capstan_audit::audit(&plan, &inventory, &owner(unit));
    if violations.is_empty() {
        return Ok(plan);
    }
    let text: Vec<_> = violations.iter().map(ToString::to_string).collect();
    Err(failure("ReconciliationFailed", format!("the plan is unsound: {}", text.join("; "))))
}

/// The unit whose labels the objects carry.
pub(super) fn owner(unit: &Manifest) -> Owner {
    Owner {
        group: capstan_api::flux::KUSTOMIZE_GROUP.to_owned(),
        name: unit.name().to_owned(),
        namespace: unit.namespace().to_owned(),
    }
}

/// What the unit owns, by its status.
pub(super) fn inventory(unit: &Manifest) -> Vec<InventoryEntry> {
    let status = kinds::status(unit);
    let entries = status.pointer("/inventory/entries").and_then(Value::as_array);
    let entry = |entry: &Value| {
        let id = entry.get("id")?.as_str()?.parse().ok()?;
        Some(InventoryEntry { id, version: entry.get("v")?.as_str()?.to_owned() })
    };
    entries.into_iter().flatten().filter_map(entry).collect()
}

/// An inventory, as the status has it.
pub(super) fn inventory_status(entries: &[InventoryEntry]) -> Value {
    let entry = |entry: &InventoryEntry| json!({"id": entry.id.inventory_id(), "v": entry.version});
    json!({ "entries": entries.iter().map(entry).collect::<Vec<_>>() })
}

/// The cluster does not say which kinds it serves.
fn unreachable(cluster: &Cluster, spec: &KustomizationSpec, error: &ClusterError) -> Failure {
    let mut message = format!("the cluster at {} cannot be used: {}", cluster.url(), Advice(error));
    if spec.kube_config.is_some() {
        message.push_str(". Check the server in the Secret of spec.kubeConfig, and the way to it");
    }
    failure("ReconciliationFailed", message)
}

async fn scopes(
    cluster: &Cluster,
    desired: &[Manifest],
) -> Result<HashMap<GroupVersionKind, Scope>, ClusterError> {
    let mut scopes = HashMap::new();
    for gvk in desired.iter().map(Manifest::gvk) {
        if scopes.contains_key(&gvk) {
            continue;
        }
        let scope = match cluster.resource(&gvk).await {
            Ok(resource) => match resource.scope {
                capstan_cluster::Scope::Namespaced => Scope::Namespaced,
                capstan_cluster::Scope::Cluster => Scope::Cluster,
            },
            Err(ClusterError::NoSuchKind(_)) => Scope::Unknown,
            Err(error) => return Err(error),
        };
        scopes.insert(gvk, scope);
    }
    Ok(scopes)
}
