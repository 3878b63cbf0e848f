//! `replacements`: the value of one field copied into others.

mod embedded;

use capstan_model::GroupVersionKind;
use capstan_yaml::{Scalar, Schema, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::decode::{Mode, decode, embedded};
use crate::error::BuildError;
use crate::fields::admits;
use crate::kustomization::Placed;
use crate::load::Loader;
use crate::path::Path;
use crate::resource::{Id, Resource};
use crate::resources::Resources;
use crate::selector::{Matcher, Target};

/// Where a path leads that is not given.
const DEFAULT_PATH: &str = "metadata.name";

/// One entry of `replacements`: a replacement, or the file that holds one or many.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Entry {
    path: String,
    source: Option<Source>,
    source_value: Option<String>,
    targets: Option<Vec<To>>,
}

/// Where the value comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Source {
    #[serde(deserialize_with = "embedded")]
    group: String,
    #[serde(deserialize_with = "embedded")]
    version: String,
    #[serde(deserialize_with = "embedded")]
    kind: String,
    #[serde(deserialize_with = "embedded")]
    name: String,
    #[serde(deserialize_with = "embedded")]
    namespace: String,
    field_path: String,
    options: Options,
}

/// Where the value goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct To {
    select: Option<Target>,
    reject: Vec<Target>,
    field_paths: Vec<String>,
    options: Options,
}

/// How a field is taken apart, and whether it is made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    delimiter: String,
    index: i64,
    create: bool,
}

/// Runs the replacements of one layer, in order.
pub(crate) fn run(
    loader: &Loader<'_>,
    directory: &str,
    entries: &[Placed<Entry>],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    for Placed { value, place } in entries {
        let replacements = value.load(loader, directory).map_err(|error| error.at(place))?;
        for replacement in replacements {
            replacement.apply(resources).map_err(|error| error.at(place))?;
        }
    }
    Ok(())
}

impl Entry {
    /// As a kustomization has it: a list of no targets is none.
    pub(crate) fn without_empty_targets(mut self) -> Self {
        self.targets = self.targets.filter(|targets| !targets.is_empty());
        self
    }

    fn load(&self, loader: &Loader<'_>, directory: &str) -> Result<Vec<Self>, BuildError> {
        if self.path.is_empty() {
            return Ok(vec![self.clone()]);
        }
        if self.source.is_some() || self.targets.as_ref().is_some_and(|list| !list.is_empty()) {
            return Err(BuildError::new("cannot specify both path and inline replacement"));
        }
        let (documents, file) = loader.documents(directory, &self.path, Schema::Config)?;
        let mut replacements = Vec::new();
        for document in documents.into_iter().take(1) {
            let items = match document.value {
                Json::Array(items) => items,
                map @ Json::Object(_) => vec![map],
                _ => {
                    let message =
                        "unsupported replacement type encountered within replacement path";
                    return Err(BuildError::new(format!("{message}: `{file}`")));
                }
            };
            for item in items {
                let entry = decode::<Self>(&item, Mode::Lenient)
                    .map_err(|error| BuildError::new(format!("invalid replacement: {error}")))?;
                replacements.push(entry);
            }
        }
        Ok(replacements)
    }

    fn apply(&self, resources: &mut Resources) -> Result<(), BuildError> {
        let none = self.source.is_none() && self.source_value.is_none();
        let Some(targets) = self.targets.as_ref().filter(|_| !none) else {
            let message = "replacements must specify a source and at least one target";
            return Err(BuildError::new(message));
        };
        let copied = self.value(resources)?;
        targets.iter().try_for_each(|to| to.apply(&copied, resources))
    }

    fn value(&self, resources: &Resources) -> Result<Value, BuildError> {
        match (&self.source, &self.source_value) {
            (Some(_), Some(_)) => {
                Err(BuildError::new("value and resource selectors are mutually exclusive"))
            }
            (Some(source), None) => source.value(resources),
            (None, text) => Ok(Value::bare(text.as_deref().unwrap_or_default())),
        }
    }
}

impl Source {
    fn value(&self, resources: &Resources) -> Result<Value, BuildError> {
        let mut matches = resources.iter().filter(|resource| self.selects(resource));
        let source = matches.next().ok_or_else(|| {
            BuildError::new(format!("nothing selected by {self}"))
                .hint("the source must be an object of this layer or below it")
        })?;
        if matches.next().is_some() {
            return Err(BuildError::new(format!("multiple matches for selector {self}"))
                .hint("add a group, version, kind, name or namespace that only one has"));
        }
        let path = Some(&self.field_path).filter(|path| !path.is_empty());
        let path = path.map_or(DEFAULT_PATH, String::as_str);
        let found = Path::parse(path).map_err(BuildError::new)?;
        let found = found.get(&source.value).filter(|value| !is_nothing(value));
        let value = found.ok_or_else(|| {
            let message = format!("fieldPath `{path}` is missing for replacement source {self}");
            BuildError::new(message).hint("the field must exist before this layer is done")
        })?;
        self.options.refine(value)
    }

    fn selects(&self, resource: &Resource) -> bool {
        resource.any_id(|id| {
            admits(&self.name, &id.name)
                && (self.namespace.is_empty()
                    || effective(&self.namespace) == id.effective_namespace())
                && admits(&self.group, &id.gvk.group)
                && admits(&self.version, &id.gvk.version)
                && admits(&self.kind, &id.gvk.kind)
        })
    }
}

fn effective(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Scalar(_) => value.is_null(),
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = Id {
            gvk: GroupVersionKind::new(&*self.group, &*self.version, &*self.kind),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        };
        write!(f, "{id}")?;
        if self.field_path.is_empty() { Ok(()) } else { write!(f, ":{}", self.field_path) }
    }
}

/// Bytes of a text that pieces are put into: more than an API server stores.
const LONGEST_TEXT: usize = 4 << 20;
const ONLY_SCALARS: &str = "delimiter option can only be used with scalar nodes";

impl Options {
    /// The part of a source that is meant.
    fn refine(&self, value: &Value) -> Result<Value, BuildError> {
        if self.delimiter.is_empty() {
            return Ok(value.clone());
        }
        let whole = value.as_scalar().ok_or_else(|| BuildError::new(ONLY_SCALARS))?;
        let mut parts = whole.text.split(&self.delimiter);
        let part = usize::try_from(self.index).ok().and_then(|index| parts.nth(index));
        let part = part.ok_or_else(|| {
            let (index, text) = (self.index, &whole.text);
            BuildError::new(format!("options.index {index} is out of bounds for value {text}"))
        })?;
        Ok(Scalar { text: part.to_owned(), ..whole.clone() }.into())
    }

    /// The text of a target with the value in its part.
    fn insert(&self, target: &Value, text: &str) -> Result<String, String> {
        let whole = target.written().ok_or(ONLY_SCALARS)?;
        let mut parts: Vec<&str> = whole.split(&self.delimiter).collect();
        match usize::try_from(self.index) {
            Err(_) => parts.insert(0, text),
            Ok(index) if index >= parts.len() => parts.push(text),
            Ok(index) => parts[index] = text,
        }
        let joined = parts.join(&self.delimiter);
        // Pieces put into each other double each time.
        match joined.len() {
            0..=LONGEST_TEXT => Ok(joined),
            _ => Err(format!("the text has more than {} MiB", LONGEST_TEXT >> 20)),
        }
    }
}

impl To {
    fn apply(&self, copied: &Value, resources: &mut Resources) -> Result<(), BuildError> {
        let Some(select) = &self.select else {
            return Err(BuildError::new("target must specify resources to select"));
        };
        let select = Matcher::new(select)?;
        let reject: Vec<(Matcher, &Target)> = self
            .reject
            .iter()
            .map(|target| Matcher::new(target).map(|matcher| (matcher, target)))
            .collect::<Result<_, _>>()?;
        let default = [DEFAULT_PATH.to_owned()];
        let paths = if self.field_paths.is_empty() { &default[..] } else { &self.field_paths };
        for resource in resources.iter_mut() {
            if is_meant(resource, &select, &reject) {
                for path in paths {
                    let before = resource.one_value.values(&resource.value);
                    self.copy(copied, path, &mut resource.value)?;
                    resource.one_value.changed(&before, &mut resource.value);
                }
            }
        }
        Ok(())
    }

    fn copy(&self, copied: &Value, text: &str, object: &mut Value) -> Result<(), BuildError> {
        let path = Path::parse(text).map_err(BuildError::new)?;
        let blank = match copied {
            Value::Object(_) => Value::map(),
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Scalar(_) => Value::bare(""),
        };
        let blank = self.options.create.then_some(&blank);
        let mut set = |found: &mut Value| self.set(found, copied);
        if embedded::set(&path, object, blank, copied) {
            return Ok(());
        }
        let missing = || {
            let verb = if self.options.create { "find or create" } else { "find" };
            format!("unable to {verb} field {text:?} in replacement target")
        };
        match path.visit(object, blank, &mut set) {
            Ok(0) => Err(BuildError::new(missing())
                .hint("check the path, or set `options.create: true` to add the field")),
            Ok(_) => Ok(()),
            Err(error) if error == ONLY_SCALARS => Err(BuildError::new(error)),
            Err(error) => {
                // A path that goes on inside of a text failed there first.
                let error = path.find(object).err().unwrap_or(error);
                Err(BuildError::new(format!("{}: {error}", missing())))
            }
        }
    }

    /// Puts a value in place. A scalar stays what it says to be, and takes the text.
    fn set(&self, found: &mut Value, copied: &Value) -> Result<(), String> {
        let text = copied.written().unwrap_or_default();
        let text = match self.options.delimiter.as_str() {
            "" => text.to_owned(),
            _ => self.options.insert(found, text)?,
        };
        match found {
            Value::Scalar(scalar) => scalar.text = text,
            other => other.clone_from(copied),
        }
        Ok(())
    }
}

/// Is a target selected, and by none of its ids rejected?
fn is_meant(resource: &Resource, select: &Matcher, reject: &[(Matcher, &Target)]) -> bool {
    let rejects = |(matcher, target): &(Matcher, &Target)| {
        let by_id = **target
            != Target {
                label_selector: target.label_selector.clone(),
                annotation_selector: target.annotation_selector.clone(),
                ..Target::default()
            };
        let by_labels = !target.label_selector.is_empty() || !target.annotation_selector.is_empty();
        (by_id && any_id(resource, matcher)) || (by_labels && matcher.admits_labels(resource))
    };
    select.admits_labels(resource) && any_id(resource, select) && !reject.iter().any(rejects)
}

/// What an object is called now counts as it is written; what it was called, with its effective namespace.
fn any_id(resource: &Resource, matcher: &Matcher) -> bool {
    let before = |id: &Id| {
        let namespace = id.effective_namespace().to_owned();
        matcher.admits_id(&Id { namespace, ..id.clone() })
    };
    matcher.admits_id(&resource.id()) || resource.previous_ids().iter().any(before)
}
