use std::collections::BTreeMap;

use capstan_api::flux::{ArtifactGeneratorSpec, OutputArtifact, SOURCE_EXTENSIONS_GROUP};
use capstan_cluster::{ApplyOptions, ClusterError};
use capstan_generate::{GenerateError, Sources, Wanted};
use capstan_model::{Chain, Manifest};
use capstan_report::Failure;
use capstan_store::{Packed, Unpack};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::gvk;
use super::inputs::Inputs;
use super::status::Made;
use crate::source::{SourceKey, SourceKind, describe};
use crate::world::World;

/// Field manager of what is made, as source-watcher's: a take-over finds its own fields.
pub(super) const FIELD_MANAGER: &str = "source-watcher";

/// An artifact that was packed, and how it is called.
pub(super) struct Output {
    wanted: Wanted,
    packed: Packed,
    revision: String,
    metadata: BTreeMap<String, String>,
}

/// Makes all artifacts. It computes, so it runs where it may block.
pub(super) async fn make(
    spec: ArtifactGeneratorSpec,
    inputs: Inputs,
) -> Result<Vec<Output>, Failure> {
    let failed = |reason: &str, message: String, stalled| Failure {
        reason: reason.to_owned(),
        message,
        stalled,
    };
    let work = move || {
        let sources: Sources<'_> =
            inputs.0.iter().map(|(alias, source)| (&**alias, &*source.tree)).collect();
        let wanted = capstan_generate::wanted(&spec, &sources)
            .map_err(|error| failed("ValidationFailed", error.to_string(), true))?;
        let one = |wanted: Wanted| {
            let name = wanted.artifact.name.clone();
            make_one(wanted, &sources, &inputs)
                .map_err(|why| failed("BuildFailed", format!("{name} build failed: {why}"), false))
        };
        wanted.into_iter().map(one).collect::<Result<Vec<_>, _>>()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(made) => made,
        Err(panic) => {
            let message = format!("the build panicked: {panic}");
            Err(Failure { reason: "BuildFailed".to_owned(), message, stalled: false })
        }
    }
}

fn make_one(wanted: Wanted, sources: &Sources<'_>, inputs: &Inputs) -> Result<Output, String> {
    let unpack = |bytes: &[u8]| {
        capstan_store::unpack(bytes, Unpack::ARTIFACT).map_err(|error| Chain(&error).to_string())
    };
    let built = capstan_generate::build(&wanted.artifact.copy, sources, &unpack);
    let tree = built.map_err(|error: GenerateError| error.to_string())?;
    let packed = capstan_store::pack(&tree).map_err(|error| Chain(&error).to_string())?;
    let OutputArtifact { revision, origin_revision, .. } = &wanted.artifact;
    let source =
        |reference: &Option<String>| inputs.0.get(reference.as_deref()?.trim_start_matches('@'));
    let latest = || format!("latest@{}", packed.digest);
    let revision = source(revision).map_or_else(latest, |source| source.revision.clone());
    let origin = source(origin_revision)
        .map(|source| source.origin().unwrap_or(&source.revision).to_owned());
    let key = "org.opencontainers.image.revision".to_owned();
    let metadata = origin.map(|origin| (key, origin)).into_iter().collect();
    Ok(Output { wanted, packed, revision, metadata })
}

impl Output {
    /// Stores the archive and writes the object that describes it.
    pub(super) async fn publish(
        self,
        world: &World,
        generator: &Manifest,
        spec: &ArtifactGeneratorSpec,
    ) -> Result<Made, Failure> {
        let failed = |why: String| Failure {
            reason: "ReconciliationFailed".to_owned(),
            message: format!("{} reconcile failed: {why}", self.wanted.artifact.name),
            stalled: false,
        };
        let (namespace, name) = (generator.namespace(), &self.wanted.artifact.name);
        let file = self.packed.digest.rsplit(':').next().unwrap_or_default();
        let kind = SourceKind::ExternalArtifact.name();
        let published = world
            .store
            .publish(kind, namespace, name, file, &self.packed)
            .map_err(|error| failed(Chain(&error).to_string()))?;
        let options = ApplyOptions { field_manager: FIELD_MANAGER, force: true, dry_run: false };
        let object = self.object(generator, spec).map_err(failed)?;
        let refused = |error: ClusterError| failed(Chain(&error).to_string());
        let stored = world.cluster.apply(&object, options).await.map_err(refused)?;
        let artifact = describe(world, &published, &self.revision, &self.metadata);
        let status = status(&stored, artifact);
        let (gvk, patch) = (object.gvk(), json!({ "status": status }));
        let written =
            world.cluster.merge_status(&gvk, namespace, name, &patch, FIELD_MANAGER).await;
        written.map_err(refused)?;
        Ok(Made {
            name: name.clone(),
            namespace: namespace.to_owned(),
            digest: published.digest,
            filename: format!("{file}.tar.gz"),
        })
    }

    fn object(
        &self,
        generator: &Manifest,
        spec: &ArtifactGeneratorSpec,
    ) -> Result<Manifest, String> {
        let common = spec.common_metadata.clone().unwrap_or_default();
        let mut labels = self.wanted.labels.clone();
        labels.insert("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned());
        let uid = generator.uid().to_owned();
        labels.insert(format!("{SOURCE_EXTENSIONS_GROUP}/generator"), uid);
        labels.extend(common.labels);
        let group = gvk();
        Manifest::try_from(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": SourceKind::ExternalArtifact.name(),
            "metadata": {"name": self.wanted.artifact.name, "namespace": generator.namespace(),
                "labels": labels, "annotations": common.annotations},
            "spec": {"sourceRef": {"apiVersion": format!("{}/{}", group.group, group.version),
                "kind": group.kind, "name": generator.name(), "namespace": generator.namespace()}},
        }))
        .map_err(|error| error.to_string())
    }
}

/// What the status says; nothing changes where the archive is the same.
fn status(object: &Manifest, artifact: Value) -> Value {
    let before = object.value().get("status").cloned().unwrap_or_default();
    let is_same = |before: &Value| {
        ["digest", "revision", "url", "metadata"]
            .iter()
            .all(|key| before.get(key) == artifact.get(key))
    };
    let artifact = match before.get("artifact").filter(|before| is_same(before)) {
        Some(before) => before.clone(),
        None => artifact,
    };
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let known = before.pointer("/conditions/0/lastTransitionTime").and_then(Value::as_str);
    json!({"artifact": artifact, "conditions": [{
        "type": "Ready", "status": "True", "reason": "Succeeded", "message": "Artifact is ready",
        "observedGeneration": object.generation(),
        "lastTransitionTime": known.map_or_else(|| now.to_string(), str::to_owned),
    }]})
}

/// Removes an artifact that is not made any more.
pub(super) async fn remove(world: &World, made: &Made) -> Result<(), ClusterError> {
    let gvk = SourceKind::ExternalArtifact.gvk();
    let Made { namespace, name, .. } = made;
    match world.cluster.delete(&gvk, namespace, name, &Default::default()).await {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    if let Err(error) = world.store.remove(&gvk.kind, namespace, name) {
        tracing::warn!(name, error = %Chain(&error), "artifacts stay behind");
    }
    world.sources.remove(&SourceKey::new(SourceKind::ExternalArtifact, namespace, name));
    Ok(())
}
