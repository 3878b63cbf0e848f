//! Patches: strategic merge and JSON 6902, with and without targets.

mod document;
mod json6902;
mod keyed;
pub(crate) mod merge_keys;
mod operations;
mod strategic;

use capstan_model::GroupVersionKind;
use capstan_yaml::{Schema, Value, YamlError, read_documents, read_spelled, set_field};
use serde_json::Value as Json;

use self::document::{Content, Document};
use crate::error::{BuildError, Place};
use crate::kustomization::{Patch, Placed};
use crate::load::Loader;
use crate::objects;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::Schemas;
use crate::selector::{Matcher, Target};

const OPTIONS: [&str; 2] = ["allowNameChange", "allowKindChange"];

/// How lists grow. The default is what builds do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeOptions {
    /// What a patch adds comes last, not first.
    pub appends: bool,
    /// Lists of unknown kinds are merged by the key that all their items have.
    pub infers: bool,
}

/// What a patch may change beside the body.
#[derive(Clone, Copy, Default)]
struct Allowed {
    name: bool,
    kind: bool,
}

/// `patchesStrategicMerge`: files or inline documents, each for the object that it names.
pub(crate) fn strategic_merges(
    loader: &Loader<'_>,
    directory: &str,
    patches: &[Placed<String>],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    BuildError::gather(patches.iter().map(|Placed { value, place }| {
        let source = if loader.is_file(directory, value) || !value.contains(':') {
            Source { path: value, inline: "" }
        } else {
            Source { path: "", inline: value }
        };
        let documents = match source.content(loader, directory, place)? {
            Content::Objects(documents) => documents,
            Content::Operations(_) => return Err(objects::no_object().at(place)),
        };
        if documents.is_empty() {
            return Err(
                BuildError::new(format!("patch appears to be empty; files=[{value}]")).at(place)
            );
        }
        for document in documents {
            merge_by_id(
                loader,
                document.with_texts(&document::COPIED),
                Allowed::default(),
                resources,
            )
            .map_err(|error| error.at(place))?;
            resources.check_ids().map_err(|error| error.at(place))?;
        }
        Ok(())
    }))
}

/// `patches`.
pub(crate) fn patches(
    loader: &Loader<'_>,
    directory: &str,
    patches: &[Placed<Patch>],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    BuildError::gather(patches.iter().map(|Placed { value: patch, place }| {
        one(loader, directory, patch, place, resources).map_err(|error| error.at(place))?;
        loader.after_step(resources);
        Ok(())
    }))
}

fn one(
    loader: &Loader<'_>,
    directory: &str,
    patch: &Patch,
    place: &Place,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let source = Source { path: &patch.path, inline: patch.patch.trim() };
    match (source.path, source.inline) {
        ("", "") => return Err(BuildError::new("must specify one of patch and path in `patches`")),
        ("", _) | (_, "") => {}
        _ => return Err(BuildError::new("patch and path can't be set at the same time")),
    }
    let content = source.content(loader, directory, place)?;
    if let Some(option) = patch.options.keys().find(|o| !OPTIONS.contains(&o.as_str())) {
        return Err(BuildError::new(format!("unknown option `{option}` of a patch"))
            .hint(format!("the options are: {}", OPTIONS.join(", "))));
    }
    let allows = |name: &str| patch.options.get(name).copied().unwrap_or_default();
    let allowed = Allowed { name: allows("allowNameChange"), kind: allows("allowKindChange") };
    let mut documents = match content {
        Content::Objects(documents) => documents,
        // Nothing to do is no patch of either form: not even annotations are read anew.
        Content::Operations(operations) if operations.is_empty() => {
            return patch.target.as_ref().map_or(Ok(()), |target| Matcher::new(target).map(drop));
        }
        Content::Operations(operations) => {
            let Some(target) = &patch.target else {
                return Err(BuildError::new("must specify a target for JSON patch")
                    .hint("add `target` with at least a kind and a name"));
            };
            let matcher = Matcher::new(target)?;
            resources.iter_mut().filter(|r| matcher.matches(r)).for_each(Resource::remember_id);
            return json6902::apply(&operations, &matcher, resources, &loader.bounds);
        }
    };
    let Some(target) = &patch.target else {
        // The permission is written into the annotations of the patch.
        let is_noted = allowed.name || allowed.kind;
        let noted = |it: Document| if is_noted { it.with_texts(&["annotations"]) } else { it };
        let mut documents = documents.into_iter().map(noted);
        return documents.try_for_each(|it| merge_by_id(loader, it, allowed, resources));
    };
    let document = match (documents.pop(), documents.is_empty()) {
        (Some(only), true) => only,
        // Nothing but comments changes nothing.
        (None, _) => return Ok(()),
        (Some(_), false) => {
            let message = "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field";
            return Err(BuildError::new(message).hint("write an entry for each patch"));
        }
    };
    let Document { value, place: at } = document.with_texts(&document::COPIED);
    let document = objects::object(value, &at)?;
    let matcher = Matcher::new(target)?;
    let schemas = loader.schemas();
    for resource in resources.iter_mut().filter(|r| matcher.matches(r)) {
        merge(&schemas, resource, &document.value, allowed)?;
    }
    resources.drop_deleted();
    resources.check_ids()
}

/// `patchesJson6902`: the target is the exact name of one object.
pub(crate) fn json_patches(
    loader: &Loader<'_>,
    directory: &str,
    patches: &[Placed<Patch>],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    BuildError::gather(patches.iter().map(|Placed { value: patch, place }| {
        let mut apply = || {
            let source = Source { path: &patch.path, inline: &patch.patch };
            if !patch.path.is_empty() && !patch.patch.is_empty() {
                return Err(BuildError::new("must specify a file path or jsonOp, not both"));
            }
            let operations = match source.content(loader, directory, place)? {
                Content::Operations(operations) => operations,
                Content::Objects(documents) => {
                    let kind = match documents.first().map(|document| &document.value) {
                        Some(Value::Scalar(_)) => "string",
                        Some(Value::Object(_)) => "object",
                        _ => "value",
                    };
                    let message =
                        format!("cannot unmarshal {kind} into Go value of type jsonpatch.Patch");
                    return Err(
                        BuildError::new(message).hint("a JSON 6902 patch is a list of operations")
                    );
                }
            };
            if operations.is_empty() {
                return Err(BuildError::new("patch appears to be empty"));
            }
            let Some(target) = patch.target.as_ref().filter(|target| !target.name.is_empty())
            else {
                return Err(BuildError::new("must specify the target name"));
            };
            let matcher = Matcher::new(&exactly(target))?;
            json6902::apply(&operations, &matcher, resources, &loader.bounds)
        };
        apply().map_err(|error| error.at(place))
    }))
}

fn exactly(target: &Target) -> Target {
    let quoted = |text: &str| regex::escape(text);
    Target {
        group: quoted(&target.group),
        version: quoted(&target.version),
        kind: quoted(&target.kind),
        name: quoted(&target.name),
        namespace: quoted(&target.namespace),
        ..Target::default()
    }
}

/// Merges a patch into the one object that it names.
fn merge_by_id(
    loader: &Loader<'_>,
    document: Document,
    allowed: Allowed,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let at = &document.place;
    let patch = objects::object(document.value, at)?;
    let id = patch.id();
    match resources.matching(&id).as_slice() {
        [index] => {
            let schemas = loader.schemas();
            let resource = resources.get_mut(*index);
            merge(&schemas, resource, &patch.value, allowed).map_err(|e| e.at(at))?;
            resources.drop_deleted();
            Ok(())
        }
        [] => {
            let same_kind = resources.iter().filter(|r| r.gvk().kind == id.gvk.kind);
            let names: Vec<String> = same_kind.take(8).map(|r| r.id().to_string()).collect();
            let hint = if names.is_empty() {
                format!("there is no {} in this layer", id.gvk.kind)
            } else {
                format!(
                    "apiVersion, kind, name and namespace must all agree; there is {}",
                    names.join(", ")
                )
            };
            Err(BuildError::new(format!(
                "no matches for Id {id}; failed to find unique target for patch {id}"
            ))
            .at(at)
            .hint(hint))
        }
        _ => Err(BuildError::new(format!(
            "multiple matches for Id {id}; failed to find unique target for patch {id}"
        ))
        .at(at)
        .hint("give the namespace, or use `target`")),
    }
}

fn merge(
    schemas: &Schemas,
    resource: &mut Resource,
    patch: &Value,
    allowed: Allowed,
) -> Result<(), BuildError> {
    let (name, namespace) = (resource.name(), resource.namespace());
    let gvk = resource.gvk();
    if allowed.name || allowed.kind {
        resource.remember_id();
    }
    // kustomize puts the patch in the place of a copy.
    if patch.get("$patch").and_then(Value::text) == Some("replace") {
        return Ok(());
    }
    let text = |field: &str| patch.get(field).and_then(Value::text).unwrap_or_default();
    let patch_kind = GroupVersionKind::from_api_version(text("apiVersion"), text("kind"));
    let old = std::mem::take(&mut resource.value);
    let api_version = old.get("apiVersion").cloned();
    resource.value =
        strategic::merge(schemas, [&gvk, &patch_kind], old, patch, MergeOptions::default())?;
    resource.one_value.merged(patch, &mut resource.value);
    let Some(map) = resource.value.as_object_mut() else { return Ok(()) };
    if let Some(api_version) = api_version {
        map.insert("apiVersion".to_owned(), api_version);
    }
    if !allowed.kind {
        set_field(map, "kind", Value::bare(gvk.kind));
    }
    if !allowed.name {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(())
}

/// Merges a patch into an object as a strategic merge patch, whatever both are called.
pub(crate) fn merge_values(
    object: Value,
    patch: &Value,
    options: MergeOptions,
) -> Result<Value, BuildError> {
    let gvk = |value: &Value| {
        let text = |field: &str| value.get(field).and_then(Value::text).unwrap_or_default();
        GroupVersionKind::from_api_version(text("apiVersion"), text("kind"))
    };
    strategic::merge(&Schemas::default(), [&gvk(&object), &gvk(patch)], object, patch, options)
}

/// Where a patch is written.
struct Source<'a> {
    path: &'a str,
    inline: &'a str,
}

impl Source<'_> {
    fn content(
        &self,
        loader: &Loader<'_>,
        directory: &str,
        place: &Place,
    ) -> Result<Content, BuildError> {
        match (self.path, self.inline) {
            ("", "") => Err(BuildError::new("a patch needs `patch` or `path`").at(place)),
            ("", text) => {
                check_json(text).map_err(|error| error.at(place))?;
                // The lines of an inline patch are not those of the file: the entry stands for all.
                read(text, &place.file, |_| place.clone()).map_err(|error| {
                    let message = format!("invalid YAML in the patch: {}", error.message);
                    BuildError::new(message).at(place)
                })
            }
            (path, "") => {
                let (text, file) = loader.text(directory, path).map_err(|error| error.at(place))?;
                check_json(&text).map_err(|error| error.at(place))?;
                let placed = |line| Place { file: file.clone(), line };
                read(&text, &file, placed).map_err(|error| BuildError::from(error).at(place))
            }
            _ => Err(BuildError::new("a patch has `patch` or `path`, not both").at(place)),
        }
    }
}

/// What a patch holds. A list of operations is one document of YAML 1.1; one that begins with a bracket is JSON.
fn read(text: &str, file: &str, place: impl Fn(usize) -> Place) -> Result<Content, YamlError> {
    let operations = |schema| match read_documents(text, file, schema) {
        Ok(documents) => match documents.into_iter().next().map(|document| document.value) {
            Some(Json::Array(operations)) => Some(operations),
            _ => None,
        },
        Err(_) => None,
    };
    let documents = read_spelled(text, file, Schema::Patches);
    let is_list = documents.as_ref().is_ok_and(|documents| match documents.as_slice() {
        [first, rest @ ..] => first.value.is_array() && (rest.is_empty() || !text.starts_with('[')),
        [] => false,
    });
    let schema = if text.starts_with('[') { Schema::Patches } else { Schema::Config };
    if is_list || (documents.is_err() && schema == Schema::Config) {
        let found = operations(schema).or_else(|| operations(Schema::Patches).filter(|_| is_list));
        if let Some(operations) = found {
            return Ok(Content::Operations(operations));
        }
    }
    let placed = |document: capstan_yaml::Document<Value>| {
        let place = place(document.start.line);
        Document::of(document, place)
    };
    Ok(Content::Objects(documents?.into_iter().map(placed).collect()))
}

/// A patch that begins with a bracket is JSON, as in kustomize; one in YAML begins with a dash.
fn check_json(text: &str) -> Result<(), BuildError> {
    if !text.starts_with('[') {
        return Ok(());
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).map(drop).map_err(|error| {
        BuildError::new(format!("unable to parse SM or JSON patch: {error}"))
            .hint("what begins with `[` is read as JSON: quote its keys, or write a YAML list with dashes")
    })
}
