//! The plugins by their kinds, and the form of their configurations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Scene, value_add};
use crate::decode::{self, Embedded, Mode};
use crate::error::BuildError;
use crate::fields::Field;
use crate::generate::{self, Generator, Kind};
use crate::hash;
use crate::kustomization::{Image, Patch, Placed, Replica};
use crate::patch;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Target;
use crate::transform::names::Side;
use crate::transform::replacements::Entry;
use crate::transform::{images, labels, names, namespace, replacements, replicas};

type Fields = Vec<Field>;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Labels {
    #[serde(alias = "annotations")]
    labels: BTreeMap<String, String>,
    field_specs: Fields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Namespace {
    metadata: Metadata,
    field_specs: Fields,
    unset_only: bool,
    set_role_binding_subjects: namespace::Subjects,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Affix {
    prefix: String,
    suffix: String,
    field_specs: Option<Fields>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Images {
    image_tag: Image,
    field_specs: Fields,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replicas {
    replica: Replica,
    #[serde(default)]
    field_specs: Fields,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Json6902 {
    target: Option<Target>,
    path: String,
    json_op: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StrategicMerge {
    paths: Vec<String>,
    patches: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Patches {
    patch: String,
    path: String,
    target: Option<Target>,
    options: BTreeMap<String, bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Replacements {
    replacements: Vec<Embedded<Entry>>,
}

/// The configuration of IAMPolicyGenerator.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity {
    cloud: String,
    kubernetes_service: Metadata,
    service_account: Account,
}

/// An account of a cloud.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Account {
    name: String,
    project_id: String,
}

fn decode<T: DeserializeOwned>(config: &Resource) -> Result<T, BuildError> {
    decode::decode(&super::json(config)?, Mode::Lenient)
        .map_err(|error| super::fails(config, BuildError::new(error.to_string())))
}

fn placed<T>(config: &Resource, values: Vec<T>) -> Vec<Placed<T>> {
    let place = &config.place;
    values.into_iter().map(|value| Placed { value, place: place.clone() }).collect()
}

/// What a generator makes.
pub(super) fn generate(
    scene: &Scene<'_, '_>,
    config: &Resource,
) -> Result<Vec<Resource>, BuildError> {
    let kind = match config.text("/kind") {
        "ConfigMapGenerator" => Kind::ConfigMap,
        "SecretGenerator" => Kind::Secret,
        "IAMPolicyGenerator" => return service_account(config).map(|made| vec![made]),
        other => {
            let message = format!("unable to load builtin {other}");
            return Err(BuildError::new(message).hint(
                "generators make ConfigMaps, Secrets or IAM policies; charts are not rendered",
            ));
        }
    };
    let metadata: Metadata = decode_at(config, "metadata")?;
    let generator = Generator::of_plugin(&config.value, &metadata.name, &metadata.namespace)?;
    let generator = Placed { value: generator, place: config.place.clone() };
    generate::one(scene.loader, scene.directory, kind, &generator, None).map(|made| vec![made])
}

/// The ServiceAccount of a workload identity.
fn service_account(config: &Resource) -> Result<Resource, BuildError> {
    let Embedded(Identity { cloud, kubernetes_service: made, service_account: account }) =
        decode(config)?;
    if cloud != "gke" {
        return Err(BuildError::new(format!("cloud provider {cloud} not supported yet")));
    }
    let account = format!("{}@{}.iam.gserviceaccount.com", account.name, account.project_id);
    let mut value = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": made.name,
            "annotations": {"iam.gke.io/gcp-service-account": account},
        },
    });
    if !made.namespace.is_empty() {
        value["metadata"]["namespace"] = made.namespace.into();
    }
    Ok(Resource::new(value.into(), config.place.clone()))
}

fn decode_at<T: DeserializeOwned + Default>(
    config: &Resource,
    field: &str,
) -> Result<T, BuildError> {
    match super::json(config)?.get(field) {
        Some(value) => {
            decode::decode(value, Mode::Lenient).map_err(|error| BuildError::new(error.to_string()))
        }
        None => Ok(T::default()),
    }
}

/// Runs a transformer.
pub(super) fn transform(
    scene: &Scene<'_, '_>,
    config: &Resource,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let Scene { loader, directory } = *scene;
    match config.text("/kind") {
        "LabelTransformer" | "AnnotationsTransformer" => {
            let Labels { labels, field_specs } = decode(config)?;
            labels::set(&labels, &field_specs, resources)
        }
        "NamespaceTransformer" => {
            let Namespace { metadata, field_specs, unset_only, set_role_binding_subjects } =
                decode(config)?;
            let rule = namespace::Rule {
                namespace: &metadata.namespace,
                fields: &field_specs,
                unset_only,
                subjects: set_role_binding_subjects,
            };
            namespace::set(&rule, resources)
        }
        "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
            affix(config, resources)
        }
        "ImageTagTransformer" => {
            let Images { image_tag, field_specs } = decode(config)?;
            images::set(&image_tag, &field_specs, resources)
        }
        "ReplicaCountTransformer" => {
            let Replicas { replica, field_specs } = decode(config)?;
            replicas::set(&replica, &field_specs, resources)
        }
        "PatchJson6902Transformer" => {
            let Json6902 { target, path, json_op } = decode(config)?;
            let patch = Patch { patch: json_op, path, target, ..Patch::default() };
            patch::json_patches(loader, directory, &placed(config, vec![patch]), resources)
        }
        "PatchStrategicMergeTransformer" => {
            let StrategicMerge { mut paths, patches } = decode(config)?;
            if paths.is_empty() && patches.is_empty() {
                return Err(BuildError::new("empty file path and empty patch content"));
            }
            paths.extend((!patches.is_empty()).then_some(patches));
            patch::strategic_merges(loader, directory, &placed(config, paths), resources)
        }
        "PatchTransformer" => {
            let Patches { patch, path, target, options } = decode(config)?;
            let patch = Patch { patch, path, target, options };
            patch::patches(loader, directory, &placed(config, vec![patch]), resources)
        }
        "ReplacementTransformer" => {
            let Replacements { replacements } = decode(config)?;
            let replacements = replacements.into_iter().map(|Embedded(entry)| entry).collect();
            replacements::run(loader, directory, &placed(config, replacements), resources)
        }
        "ValueAddTransformer" => value_add::run(scene, config, resources),
        "HashTransformer" => {
            hash::add_suffixes(resources);
            Ok(())
        }
        other => {
            let message = format!("unable to load builtin {other}.builtin.[noGrp]");
            Err(BuildError::new(message).hint("the transformers are kustomize's own"))
        }
    }
}

fn affix(config: &Resource, resources: &mut Resources) -> Result<(), BuildError> {
    let Affix { prefix, suffix, field_specs } = decode(config)?;
    let Some(fields) = field_specs else {
        return Err(BuildError::new("fieldSpecs is not expected to be nil")
            .hint("name the fields, such as `- path: metadata/name`"));
    };
    let kind = config.text("/kind");
    if kind != "SuffixTransformer" {
        names::affix(Side::Prefix, &prefix, &fields, resources)?;
    }
    if kind != "PrefixTransformer" {
        names::affix(Side::Suffix, &suffix, &fields, resources)?;
    }
    Ok(())
}
