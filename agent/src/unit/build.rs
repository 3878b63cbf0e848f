use std::cell::Cell;
use std::collections::HashMap;

use capstan_api::flux::{KustomizationSpec, PatchTarget};
use capstan_build::{Built, Options, Overlay, Remotes, build_with};
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{Advice, GroupVersionKind, Manifest, ObjectSelector, Selector, SelectorError};
use capstan_plan::{IgnoreRule, Input, InventoryEntry, Owner, Plan, Scope, Settings};
use capstan_remote::Fetcher;
use capstan_report::Failure;
use capstan_sops::{DecryptError, Decryptor, Keys, Sources};
use capstan_tree::{ReadSet, Recorder, Tree as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::failure;
use super::kms::AwsKms;
use super::ready::Ready;
use super::variables::Variables;
use crate::kinds;
use crate::source::Source;
use crate::world::{FIELD_MANAGER, World};

/// What a source builds to, and what of it was read.
pub(super) struct Build {
    pub(super) manifests: Vec<Manifest>,
    /// Nothing where remote bases were read: they may change without their source.
    pub(super) reads: Option<ReadSet>,
}

/// What a build decrypts with: keys, and the service that holds others.
type Keyring<'a> = (Option<&'a Keys>, &'a AwsKms);

/// Builds and substitutes. It computes, and may fetch remote bases or ask for keys, so it runs where it may block.
pub(super) async fn build(
    world: &World,
    unit: &Manifest,
    spec: &KustomizationSpec,
    ready: &Ready,
) -> Result<Build, Failure> {
    let (source, variables) = (ready.source.clone(), ready.variables.clone());
    let (overlay, spec, fetcher) = (overlay(unit)?, spec.clone(), world.fetcher.clone());
    let (keys, kms) = (ready.keys.keys.clone(), AwsKms::new(world, unit, &spec));
    let work = move || {
        let keyring = (keys.as_deref(), &kms);
        build_now(&source, &spec, &overlay, (&variables, keyring), fetcher.as_ref())
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(built) => built,
        Err(panic) => Err(failure("BuildFailed", format!("the build panicked: {panic}"))),
    }
}

fn build_now(
    source: &Source,
    spec: &KustomizationSpec,
    overlay: &Overlay,
    (variables, (keys, kms)): (&Variables, Keyring<'_>),
    fetcher: Option<&Fetcher>,
) -> Result<Build, Failure> {
    let path = spec.path.as_deref().unwrap_or(".").trim_start_matches('/');
    let tree = Recorder::new(&source.tree);
    if tree.kind(path) != Some(capstan_tree::EntryKind::Dir) {
        let message = format!(
            "kustomization path not found: no folder `{}` in {}; push it, or correct spec.path",
            spec.path.as_deref().unwrap_or("."),
            source.revision
        );
        return Err(failure("ArtifactFailed", message));
    }
    let failed =
        |advice: String| failure("BuildFailed", format!("kustomize build failed: {advice}"));
    let decryptor = keys.map(|keys| Decryptor::new(keys, kms));
    let undecrypted = |error: DecryptError| failure("BuildFailed", Advice(&error).to_string());
    let plain = match &decryptor {
        Some(decryptor) => decryptor.sources(&tree, path, &spec.components).map_err(undecrypted)?,
        None => Sources::default(),
    };
    let plain = plain.over(&tree);
    let is_remote = Cell::new(false);
    let manifests = match fetcher {
        None => capstan_build::build(&plain, path, overlay, Options::FLUX)
            .map_err(|error| failed(Advice(&error).to_string()))?,
        Some(fetcher) => {
            let build = |remotes: &Remotes| {
                let built = build_with(&plain, path, overlay, Options::FLUX, remotes);
                is_remote.set(is_remote.get() || matches!(built, Ok(Built::Needs(_))));
                built
            };
            fetcher.run(build).map_err(|error| failed(Advice(&error).to_string()))?
        }
    };
    drop(plain);
    let reads = (!is_remote.get()).then(|| tree.into_read_set());
    let manifests = match &decryptor {
        Some(decryptor) => manifests
            .into_iter()
            .map(|manifest| decryptor.object(manifest))
            .collect::<Result<_, _>>()
            .map_err(undecrypted)?,
        None => manifests,
    };
    if !variables.apply {
        return Ok(Build { manifests, reads });
    }
    let expand = |manifest: &Manifest| {
        capstan_subst::expand_manifest_always(manifest, &variables.values, true)
            .map_err(|error| failure("BuildFailed", Advice(&error).to_string()))
    };
    let manifests = manifests.iter().map(expand).collect::<Result<_, _>>()?;
    Ok(Build { manifests, reads })
}

/// Digest of what was built, of the text that `kustomize build` would print.
pub(super) fn digest(built: &[Manifest]) -> String {
    let text = capstan_yaml::emit_all(built.iter().map(Manifest::value));
    format!("sha256:{}", hex::encode(Sha256::digest(text)))
}

/// What the Kustomization adds to the folder's own kustomization.
pub(super) fn overlay(unit: &Manifest) -> Result<Overlay, Failure> {
    Overlay::of_spec(&unit.value()["spec"])
        .map_err(|error| failure("BuildFailed", Advice(&error).to_string()))
}

/// Sets the labels and annotations that a Kustomization wants on all its objects.
fn set_common_metadata(spec: &KustomizationSpec, manifests: &mut [Manifest]) {
    let Some(common) = &spec.common_metadata else { return };
    for manifest in manifests {
        for (key, value) in &common.labels {
            manifest.set_label(key, value);
        }
        for (key, value) in &common.annotations {
            manifest.set_annotation(key, value);
        }
    }
}

/// Plans, with the scopes that the target serves, and has the plan checked by a second pair of eyes.
pub(super) async fn plan(
    world: &World,
    ready: &Ready,
    unit: &Manifest,
    spec: &KustomizationSpec,
    mut desired: Vec<Manifest>,
) -> Result<Plan, Failure> {
    let cluster = &ready.target.cluster;
    set_common_metadata(spec, &mut desired);
    let scopes =
        scopes(cluster, &desired).await.map_err(|error| unreachable(cluster, spec, &error))?;
    let inventory = inventory(unit);
    let input = Input {
        desired,
        inventory: inventory.clone(),
        prune: spec.prune,
        owner: owner(unit),
        scopes: &|gvk| scopes.get(gvk).copied().unwrap_or(Scope::Unknown),
        settings: settings(world, spec)?,
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

/// How the unit wants its objects applied.
fn settings(world: &World, spec: &KustomizationSpec) -> Result<Settings, Failure> {
    let mut ignore = Vec::new();
    for rule in &spec.ignore {
        let target = rule.target.as_ref().map(selector).transpose().map_err(|error| {
            let message = format!("spec.ignore[{}].{error}; correct it", ignore.len());
            Failure { stalled: true, ..failure("ReconciliationFailed", message) }
        })?;
        ignore.push(IgnoreRule { paths: rule.paths.clone(), target });
    }
    Ok(Settings {
        field_manager: FIELD_MANAGER.to_owned(),
        force: spec.force,
        override_managers: world.args.override_manager.clone(),
        ignore,
        early_kinds: capstan_ssa::parse_group_kinds(&world.args.custom_apply_stage_kinds),
    })
}

fn selector(target: &PatchTarget) -> Result<ObjectSelector, SelectorError> {
    let text = |field: &'_ Option<String>| field.clone().unwrap_or_default();
    ObjectSelector::new(&Selector {
        group: &text(&target.group),
        version: &text(&target.version),
        kind: &text(&target.kind),
        name: &text(&target.name),
        namespace: &text(&target.namespace),
        label_selector: &text(&target.label_selector),
        annotation_selector: &text(&target.annotation_selector),
    })
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
