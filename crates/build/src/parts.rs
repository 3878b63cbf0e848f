//! Parts of a build by themselves, over plain values: for tables of small cases, and for tools.

use std::cmp::Ordering;

use capstan_model::GroupVersionKind;
use capstan_yaml::{Node, Tag, YamlError};
use serde_json::Value;

use crate::config::Referral;
use crate::decode::{Mode, decode};
use crate::error::{BuildError, Place};
use crate::fields::{self, Field, Made};
use crate::generate::{self, GeneratorOptions};
use crate::kustomization::Kustomization;
use crate::origin::Source;
use crate::patch;
pub use crate::patch::MergeOptions;
use crate::path::Path;
use crate::resource::{Id, Resource};
use crate::resources::Resources;
use crate::selector::{Matcher, Target};
use crate::transform::names::Side;
use crate::transform::{images, references};
use crate::{hash, scope, sort, vars};

fn resource(value: &Value) -> Resource {
    Resource::new(value.clone().into(), Place::default())
}

/// The suffix that kustomize gives a generated object.
pub fn hash(object: &Value) -> String {
    hash::suffix(&resource(object))
}

/// The annotation of what a place names: a path, or the URL of a remote base. `origin` is path, repository and revision.
pub fn origin(origin: [&str; 3], names: &str) -> String {
    let [path, repo, reference] = origin.map(str::to_owned);
    let source = Source { path, repo, reference };
    let source = if names.is_empty() { source } else { source.append(names) };
    source.lines(Some("path")).join("\n") + "\n"
}

/// The suffix of an object that is neither a ConfigMap nor a Secret, whose text counts with its comments and lines.
///
/// # Errors
/// When the text is no YAML, or its aliases expand to too much.
pub fn hash_text(manifest: &str) -> Result<String, BuildError> {
    let refuse = |error: YamlError| BuildError::new(error.to_string());
    capstan_yaml::read(manifest, "manifest").map_err(refuse)?;
    let document = Node::read(manifest, "manifest").map_err(refuse)?;
    document.map(|node| hash::of_node(&node)).ok_or_else(|| BuildError::new("the text is empty"))
}

/// The JSON of which that suffix is the digest.
pub fn hash_input(object: &Value) -> String {
    hash::input(&resource(object))
}

/// Name, tag and digest of an image.
pub fn split_image(image: &str) -> (&str, &str, &str) {
    images::split(image)
}

/// Does `images[].name` mean this image? A name that is no pattern means none.
pub fn is_image(image: &str, name: &str) -> bool {
    images::Named::new(name).is_ok_and(|named| named.matches(image))
}

/// The pairs of an `envs` file.
pub fn env_file(text: &str) -> Vec<(&str, &str)> {
    generate::env_lines(text).collect()
}

/// Key and path of an entry of `files`.
///
/// # Errors
/// When one of them is missing.
pub fn file_source(source: &str) -> Result<(String, String), BuildError> {
    generate::file_source(source)
}

/// A text with its vars replaced.
pub fn expand_vars(text: &str, values: &[(&str, Value)]) -> Value {
    vars::expand(text, values)
}

/// Sets the field that a field spec means.
///
/// # Errors
/// When the spec cannot be read, or its path does not fit the object.
pub fn set_field(spec: &Value, object: &mut Value, to: &Value) -> Result<(), BuildError> {
    let field: Field =
        decode(spec, Mode::Lenient).map_err(|error| BuildError::new(error.to_string()))?;
    let id = resource(object).id();
    if !field.admits(&id.gvk) {
        return Ok(());
    }
    let set = &mut |found: &mut capstan_yaml::Value| {
        *found = to.clone().into();
        Ok(())
    };
    let mut value = std::mem::take(object).into();
    let done = field.visit(&mut value, Made::Scalar(Tag::Text), set);
    *object = value.into_json();
    done.map_err(|error| {
        BuildError::new(format!("considering field '{}' of object {id}: {error}", field.path))
    })
}

/// An object that another may name: what it is called now and what it was called, and its affixes.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The object.
    pub object: Value,
    /// Its name in the file.
    pub original_name: String,
    /// The prefix that it got.
    pub prefix: String,
    /// The suffix that it got.
    pub suffix: String,
}

impl Candidate {
    fn resource(&self) -> Resource {
        let mut resource = resource(&self.object);
        let name = resource.name();
        resource.set_name(&self.original_name);
        resource.remember_id();
        resource.set_name(&name);
        resource.remember_affix(Side::Prefix, &self.prefix);
        resource.remember_affix(Side::Suffix, &self.suffix);
        resource
    }
}

/// The referrer with the new name of what one of its fields refers to.
///
/// # Errors
/// When several objects may be meant, or the field is of another form.
pub fn rename(
    referrer: &Candidate,
    candidates: &[Candidate],
    path: &str,
    to: &GroupVersionKind,
) -> Result<Value, BuildError> {
    let mut resources = Resources::default();
    let mut first = resource(&referrer.object);
    first.remember_affix(Side::Prefix, &referrer.prefix);
    first.remember_affix(Side::Suffix, &referrer.suffix);
    resources.push(first)?;
    for candidate in candidates {
        resources.push(candidate.resource())?;
    }
    let referral = Referral {
        group: to.group.clone(),
        version: to.version.clone(),
        kind: to.kind.clone(),
        fields: vec![Field::everywhere(path).existing()],
    };
    references::fix(&mut resources, &[referral])?;
    let first = resources.into_iter().next().map(|resource| resource.value.into_json());
    Ok(first.unwrap_or_default())
}

/// Does a selector admit a kind, a name and a namespace?
///
/// # Errors
/// When a part of it is no pattern.
pub fn selects(
    selector: &Target,
    gvk: &GroupVersionKind,
    name: &str,
    namespace: &str,
) -> Result<bool, BuildError> {
    let id = id(gvk, name, namespace);
    Matcher::new(selector).map(|matcher| matcher.admits_id(&id))
}

/// `generatorOptions` of a layer under those of one generator.
///
/// # Errors
/// When one of them cannot be read.
pub fn merge_options(local: &Value, global: &Value) -> Result<Value, BuildError> {
    let read = |value: &Value| -> Result<GeneratorOptions, BuildError> {
        decode(value, Mode::Strict).map_err(|error| BuildError::new(error.to_string()))
    };
    Ok(read(local)?.over(&read(global)?).to_value())
}

/// Is this text a kustomization that is not empty?
///
/// # Errors
/// Why it is none.
pub fn check_kustomization(text: &str) -> Result<(), BuildError> {
    Kustomization::parse(text, "kustomization.yaml").map(drop)
}

/// A strategic merge of a patch into an object; null when the patch deletes it.
///
/// # Errors
/// When the patch is of another form than the object.
pub fn merge(patch: &Value, object: &Value, options: MergeOptions) -> Result<Value, BuildError> {
    let merged = patch::merge_values(object.clone().into(), &patch.clone().into(), options)?;
    Ok(merged.into_json())
}

/// The order of kinds in kustomize's legacy order.
pub fn legacy_order(a: &GroupVersionKind, b: &GroupVersionKind) -> Ordering {
    sort::legacy_key(a).cmp(&sort::legacy_key(b))
}

/// Is this a built-in kind without namespaces?
pub fn is_cluster_scoped(gvk: &GroupVersionKind) -> bool {
    scope::is_cluster_scoped(&gvk.group, &gvk.version, &gvk.kind)
}

fn id(gvk: &GroupVersionKind, name: &str, namespace: &str) -> Id {
    Id { gvk: gvk.clone(), namespace: namespace.to_owned(), name: name.to_owned() }
}

/// The text of an id: `Deployment.v1.apps/web.default`.
pub fn id_text(gvk: &GroupVersionKind, name: &str, namespace: &str) -> String {
    id(gvk, name, namespace).to_string()
}

/// The namespace that counts for an object of a kind.
pub fn effective_namespace(gvk: &GroupVersionKind, namespace: &str) -> String {
    id(gvk, "", namespace).effective_namespace().to_owned()
}

/// The keys of a path of a field spec, divided by slashes.
pub fn field_path(path: &str) -> Vec<String> {
    fields::split(path)
}

/// The steps of a path of a replacement, divided by dots.
pub fn steps(path: &str) -> Vec<String> {
    crate::path::steps(path)
}

/// The values that the steps of a path mean, also inside of texts that are JSON or YAML.
///
/// # Errors
/// When a step is no pattern, or leads into a value of another form.
pub fn find(object: &Value, steps: &[String]) -> Result<Vec<Value>, BuildError> {
    let found = Path::of(steps).and_then(|path| path.find(&object.clone().into()));
    let found = found.map_err(BuildError::new)?;
    Ok(found.into_iter().map(capstan_yaml::Value::into_json).collect())
}
