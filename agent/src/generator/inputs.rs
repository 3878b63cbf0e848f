use std::collections::BTreeMap;

use capstan_api::flux::ArtifactGeneratorSpec;
use capstan_model::Manifest;
use capstan_report::Failure;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::kinds;
use crate::source::{Source, SourceKey, SourceKind};
use crate::world::World;

/// The sources that a generator names, of the kinds that are reconciled.
pub(crate) fn sources_of(generator: &Manifest) -> Vec<SourceKey> {
    let list = generator.value().pointer("/spec/sources").and_then(Value::as_array);
    let key = |source: &Value| {
        let text = |name: &str| source.get(name).and_then(Value::as_str);
        let kind = SourceKind::named(text("kind")?)?;
        Some(SourceKey::new(
            kind,
            text("namespace").unwrap_or(generator.namespace()),
            text("name")?,
        ))
    };
    list.into_iter().flatten().filter_map(key).collect()
}

/// Was the process started a moment ago, and a source not read again yet? What was made is as good as it was until then.
pub(super) fn are_loading(world: &World, generator: &Manifest) -> bool {
    sources_of(generator).iter().any(|key| {
        let stored = |object: &Manifest| kinds::status(object).get("artifact").is_some();
        world.sources.get(key).is_none()
            && world.sources.failure(key).is_none()
            && world.source_objects.get(key).is_some_and(|object| stored(&object))
    })
}

/// The sources, by alias.
pub(super) struct Inputs(pub(super) BTreeMap<String, Source>);

impl Inputs {
    /// All sources as they are held now.
    pub(super) fn get(
        world: &World,
        namespace: &str,
        spec: &ArtifactGeneratorSpec,
    ) -> Result<Self, Failure> {
        let mut inputs = BTreeMap::new();
        for source in &spec.sources {
            let namespace = source.namespace.as_deref().unwrap_or(namespace);
            let refuse = |why: String, stalled| Failure {
                reason: "SourceFetchFailed".to_owned(),
                message: format!("get sources failed: {why}"),
                stalled,
            };
            let Some(kind) = SourceKind::named(&source.kind) else {
                let why = format!("source `{}` kind '{}' not supported", source.name, source.kind);
                return Err(refuse(why, true));
            };
            let key = SourceKey::new(kind, namespace, &source.name);
            let Some(held) = world.sources.get(&key) else {
                let why = match world.source_objects.get(&key) {
                    Some(_) => format!("source '{key}' is not ready"),
                    None => format!("source '{key}' not found: create it, or correct spec.sources"),
                };
                return Err(refuse(why, false));
            };
            inputs.insert(source.alias.clone(), held);
        }
        Ok(Self(inputs))
    }

    /// Stands for all that the sources hold.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (alias, source) in &self.0 {
            let tree = source.tree.id("");
            digest.update(format!("{alias}={}|{tree:?}|{:?};", source.revision, source.origin()));
        }
        format!("sha256:{}", hex::encode(digest.finalize()))
    }
}
