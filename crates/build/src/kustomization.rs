//! The types of kustomization.yaml and how they are read.

use std::collections::BTreeMap;

use capstan_yaml::Document;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::decode::{Mode, decode};
use crate::error::{BuildError, Place};
use crate::fields::Field;
use crate::generate::{Generator, GeneratorOptions};
use crate::selector::Target;
use crate::sort::SortOptions;
use crate::transform::replacements::Entry;
use crate::vars::Var;

/// The names under which a kustomization is found, in kustomize's order.
pub const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A value and the line that gave it.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// `patches[]`: a change of some objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patch {
    /// The patch itself: a strategic merge patch or a JSON 6902 patch, as YAML or JSON.
    pub patch: String,
    /// The file that holds it, when it is not given inline.
    pub path: String,
    /// What it changes; without it, a strategic merge patch changes the object that it names.
    pub target: Option<Target>,
    /// `allowNameChange` and `allowKindChange`.
    pub options: BTreeMap<String, bool>,
}

/// `images[]`: another name, tag or digest for an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Image {
    /// The name that manifests use, without tag and digest.
    pub name: String,
    /// The name to use instead.
    pub new_name: String,
    /// The tag to use instead of tag and digest.
    pub new_tag: String,
    /// The digest to use instead of tag and digest.
    pub digest: String,
    /// What to append to the tag.
    pub tag_suffix: String,
}

/// `replicas[]`: a number of replicas for the workloads of a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replica {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) count: i64,
}

/// `labels[]`: labels and where they go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct LabelRule {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    #[serde(rename = "fields")]
    pub(crate) fields: Vec<Field>,
}

/// One kustomization file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kustomization {
    pub(crate) file: String,
    pub(crate) is_component: bool,
    pub(crate) resources: Vec<Placed<String>>,
    pub(crate) components: Vec<Placed<String>>,
    pub(crate) config_maps: Vec<Placed<Generator>>,
    pub(crate) secrets: Vec<Placed<Generator>>,
    pub(crate) generator_options: GeneratorOptions,
    pub(crate) patches_strategic_merge: Vec<Placed<String>>,
    pub(crate) patches: Vec<Placed<Patch>>,
    pub(crate) patches_json6902: Vec<Placed<Patch>>,
    pub(crate) namespace: String,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) labels: Vec<Placed<LabelRule>>,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) replicas: Vec<Placed<Replica>>,
    pub(crate) images: Vec<Placed<Image>>,
    pub(crate) replacements: Vec<Placed<Entry>>,
    pub(crate) vars: Vec<Placed<Var>>,
    pub(crate) generators: Vec<Placed<String>>,
    pub(crate) transformers: Vec<Placed<String>>,
    pub(crate) validators: Vec<Placed<String>>,
    pub(crate) configurations: Vec<Placed<String>>,
    pub(crate) crds: Vec<Placed<String>>,
    pub(crate) build_metadata: Vec<Placed<String>>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) openapi: BTreeMap<String, String>,
    /// The lines of the fields.
    pub(crate) lines: BTreeMap<String, usize>,
}

/// Fields that run helm, which Flux does not allow either.
const HELM: [&str; 3] = ["helmChartInflationGenerator", "helmCharts", "helmGlobals"];

const FIELDS: [&str; 31] = [
    "apiVersion",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "commonLabels",
    "components",
    "configMapGenerator",
    "configurations",
    "crds",
    "generatorOptions",
    "generators",
    "images",
    "kind",
    "labels",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "openapi",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "resources",
    "secretGenerator",
    "sortOptions",
    "transformers",
    "validators",
    "vars",
    "imageTags",
];

impl Kustomization {
    /// Reads a kustomization file.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, BuildError> {
        let mut documents = capstan_yaml::read_marked(text, file)?;
        let start = Place { file: file.to_owned(), line: 1 };
        if documents.len() > 1 {
            let place = Place { file: file.to_owned(), line: documents[1].start.line };
            return Err(BuildError::new("a kustomization is one document").at(&place));
        }
        let document = documents.pop().ok_or_else(|| empty().at(&start))?;
        let Value::Object(map) = &document.value else {
            return Err(BuildError::new("a kustomization must be a map").at(&start));
        };
        let mut kustomization = Self { file: file.to_owned(), ..Self::default() };
        let reader = Reader { document: &document, file };
        for (key, value) in map {
            let field = known(key).ok_or_else(|| unknown(key).at(&reader.place(key)))?;
            if !value.is_null() {
                kustomization.set(field, key, &reader)?;
                kustomization.lines.insert(field.to_owned(), reader.place(key).line);
            }
        }
        if map
            .iter()
            .all(|(k, v)| matches!(k.as_str(), "apiVersion" | "kind" | "metadata") || hollow(v))
        {
            return Err(empty().at(&start));
        }
        reader.check_version(&kustomization)?;
        Ok(kustomization)
    }

    fn set(&mut self, field: &str, key: &str, reader: &Reader<'_>) -> Result<(), BuildError> {
        match field {
            "kind" => self.is_component = reader.kind(key)?,
            "apiVersion" => drop(reader.one::<String>(key)?),
            "metadata" => {}
            "resources" | "bases" => self.resources.extend(reader.list(key)?),
            "components" => self.components = reader.list(key)?,
            "configMapGenerator" => self.config_maps = reader.list(key)?,
            "secretGenerator" => self.secrets = reader.list(key)?,
            "generatorOptions" => self.generator_options = reader.one(key)?,
            "patchesStrategicMerge" => self.patches_strategic_merge = reader.list(key)?,
            "patches" => self.patches = reader.list(key)?,
            "patchesJson6902" => self.patches_json6902 = reader.list(key)?,
            "namespace" => self.namespace = reader.one(key)?,
            "namePrefix" => self.name_prefix = reader.one(key)?,
            "nameSuffix" => self.name_suffix = reader.one(key)?,
            "labels" => self.labels = reader.list(key)?,
            "commonLabels" => self.common_labels = reader.one(key)?,
            "commonAnnotations" => self.common_annotations = reader.one(key)?,
            "replicas" => self.replicas = reader.list(key)?,
            "images" | "imageTags" => self.images.extend(reader.list(key)?),
            "replacements" => {
                let given = |it: Placed<Entry>| Placed {
                    value: it.value.without_empty_targets(),
                    place: it.place,
                };
                self.replacements = reader.list(key)?.into_iter().map(given).collect();
            }
            "vars" => self.vars = reader.list(key)?,
            "generators" => self.generators = reader.list(key)?,
            "transformers" => self.transformers = reader.list(key)?,
            "validators" => self.validators = reader.list(key)?,
            "configurations" => self.configurations = reader.list(key)?,
            "crds" => self.crds = reader.list(key)?,
            "buildMetadata" => self.build_metadata = reader.list(key)?,
            "sortOptions" => self.sort_options = Some(reader.one(key)?),
            "openapi" => self.openapi = reader.one(key)?,
            other => {
                let error = BuildError::new(format!("`{other}` is not allowed: it runs helm"));
                return Err(error
                    .at(&reader.place(key))
                    .hint("use a HelmRelease, or commit what the chart renders"));
            }
        }
        Ok(())
    }

    /// Where a field of the file is.
    pub(crate) fn place(&self, field: &str) -> Place {
        let line = self.lines.get(field).copied().unwrap_or(1);
        Place { file: self.file.clone(), line }
    }
}

/// The field that a key means; kustomize does not look at upper and lower case.
fn known(key: &str) -> Option<&'static str> {
    let mut all = FIELDS.iter().chain(&HELM);
    all.find(|field| field.eq_ignore_ascii_case(key)).copied()
}

fn unknown(key: &str) -> BuildError {
    BuildError::new(format!("unknown field `{key}` in a kustomization"))
        .hint(format!("the fields are: {}", FIELDS.join(", ")))
}

fn empty() -> BuildError {
    BuildError::new("the kustomization is empty")
        .hint("name at least one resource, generator or transformation, or remove the file")
}

fn hollow(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        // An empty list says that there is nothing, which is more than nothing.
        _ => false,
    }
}

struct Reader<'a> {
    document: &'a Document,
    file: &'a str,
}

impl Reader<'_> {
    fn place(&self, pointer: &str) -> Place {
        let line = self.document.mark(&format!("/{pointer}")).line;
        Place { file: self.file.to_owned(), line }
    }

    fn decode<T: DeserializeOwned>(&self, value: &Value, pointer: &str) -> Result<T, BuildError> {
        decode(value, Mode::Strict).map_err(|error| {
            BuildError::new(format!("invalid `{pointer}`: {error}")).at(&self.place(pointer))
        })
    }

    fn one<T: DeserializeOwned>(&self, key: &str) -> Result<T, BuildError> {
        self.decode(&self.document.value[key], key)
    }

    fn list<T: DeserializeOwned>(&self, key: &str) -> Result<Vec<Placed<T>>, BuildError> {
        let Value::Array(items) = &self.document.value[key] else {
            return Err(BuildError::new(format!("`{key}` must be a list")).at(&self.place(key)));
        };
        let place = |index| {
            let pointer = format!("{key}/{index}");
            let value = self.decode(&items[index], &pointer)?;
            Ok(Placed { value, place: self.place(&pointer) })
        };
        (0..items.len()).map(place).collect()
    }

    fn kind(&self, key: &str) -> Result<bool, BuildError> {
        match self.one::<String>(key)?.as_str() {
            "Kustomization" | "" => Ok(false),
            "Component" => Ok(true),
            other => Err(BuildError::new(format!("kind `{other}` is no kustomization"))
                .at(&self.place(key))
                .hint("the kind is `Kustomization` or `Component`")),
        }
    }

    fn check_version(&self, kustomization: &Kustomization) -> Result<(), BuildError> {
        let expected = if kustomization.is_component {
            "kustomize.config.k8s.io/v1alpha1"
        } else {
            "kustomize.config.k8s.io/v1beta1"
        };
        match self.document.value.get("apiVersion").and_then(Value::as_str) {
            None | Some("") => Ok(()),
            Some(version) if version == expected => Ok(()),
            Some(version) => Err(BuildError::new(format!(
                "apiVersion for {} should be {expected}, not `{version}`",
                if kustomization.is_component { "Component" } else { "Kustomization" }
            ))
            .at(&self.place("apiVersion"))
            .hint(format!("the apiVersion is `{expected}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kustomization;

    #[test]
    fn unknown_fields_are_named_with_their_line() {
        for (text, words) in [
            ("resources: [a]\nbogus: 1\n", "k:2: unknown field `bogus`"),
            (
                "images:\n- name: a\n- name: b\n  tag: c\n",
                "k:3: invalid `images/1`: unknown field `tag`",
            ),
            ("resources: [a]\nnamePrefix: yes\n", "k:2: invalid `namePrefix`"),
            ("kind: Kustomization\n", "k:1: the kustomization is empty"),
            ("resources: [a]\nhelmCharts: [{}]\n", "k:2: `helmCharts` is not allowed"),
            (
                "apiVersion: v1\nresources: [a]\n",
                "k:1: apiVersion for Kustomization should be kustomize.config.k8s.io/v1beta1",
            ),
        ] {
            let error = Kustomization::parse(text, "k").expect_err(text).to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
