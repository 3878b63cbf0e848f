use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use capstan_model::GroupVersionKind;
use capstan_yaml::Schema;
use serde_json::{Map, Value};

use crate::error::{BuildError, Place};
use crate::generate::Behavior;
use crate::one_value::OneValue;
use crate::origin::Origin;
use crate::scope::is_cluster_scoped;
use crate::transform::names::{Side, scalar};

/// What names an object within a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) gvk: GroupVersionKind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Id {
    /// The namespace that counts: none for cluster-scoped kinds, `default` when none is given.
    pub(crate) fn effective_namespace(&self) -> &str {
        match self.namespace.as_str() {
            _ if is_cluster_scoped(&self.gvk.group, &self.gvk.version, &self.gvk.kind) => "",
            "" => "default",
            namespace => namespace,
        }
    }

    /// Do both name the same object?
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.gvk == other.gvk
            && self.name == other.name
            && self.effective_namespace() == other.effective_namespace()
    }

    /// What two ids share that name the same object.
    pub(crate) fn key(&self) -> Key<'_> {
        let GroupVersionKind { group, version, kind } = &self.gvk;
        Key {
            name: Cow::Borrowed(&self.name),
            kind,
            group,
            version,
            namespace: Cow::Borrowed(self.effective_namespace()),
        }
    }
}

/// An id without text of its own: equal keys name the same object.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    name: Cow<'a, str>,
    kind: &'a str,
    group: &'a str,
    version: &'a str,
    /// The one that counts.
    namespace: Cow<'a, str>,
}

/// In kustomize's form, which its users know: `Deployment.v1.apps/web.default`.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &'_ str, none: &'static str| -> String {
            if text.is_empty() { none.to_owned() } else { text.to_owned() }
        };
        write!(
            f,
            "{}.{}.{}/{}.{}",
            or(&self.gvk.kind, "[noKind]"),
            or(&self.gvk.version, "[noVer]"),
            or(&self.gvk.group, "[noGrp]"),
            or(&self.name, "[noName]"),
            or(&self.namespace, "[noNs]"),
        )
    }
}

/// An object on its way through the layers, with what later steps must know of earlier ones.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) value: Value,
    pub(crate) place: Place,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    /// JSON pointers of fields that are written as nothing; the first merge drops them.
    pub(crate) empty: Vec<String>,
    /// JSON pointers of annotations that are written like something else than a text, and their spellings.
    pub(crate) spelled: BTreeMap<String, String>,
    /// The vars that take their value from it.
    pub(crate) var_names: Vec<String>,
    /// Where it comes from.
    pub(crate) origin: Option<Origin>,
    /// What changed it.
    pub(crate) transformations: Vec<Arc<Origin>>,
    /// Fields that have one value.
    pub(crate) one_value: OneValue,
    previous: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Resource {
    pub(crate) fn new(value: Value, place: Place) -> Self {
        Self {
            value,
            place,
            behavior: Behavior::Unspecified,
            needs_hash: false,
            empty: Vec::new(),
            spelled: BTreeMap::new(),
            var_names: Vec::new(),
            origin: None,
            transformations: Vec::new(),
            one_value: OneValue::default(),
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
        }
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.get(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The value under a JSON pointer. `Value::pointer` makes a text of each of its keys, and this is asked for all the time.
    pub(crate) fn get(&self, pointer: &str) -> Option<&Value> {
        if pointer.contains('~') {
            return self.value.pointer(pointer);
        }
        pointer.split('/').skip(1).try_fold(&self.value, |value, key| value.get(key))
    }

    pub(crate) fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::from_api_version(self.text("/apiVersion"), self.text("/kind"))
    }

    /// The name; a number is the name that it is written as.
    pub(crate) fn name(&self) -> String {
        self.scalar("/metadata/name")
    }

    pub(crate) fn namespace(&self) -> String {
        self.scalar("/metadata/namespace")
    }

    fn scalar(&self, pointer: &str) -> String {
        self.get(pointer).and_then(scalar).unwrap_or_default()
    }

    /// As [`Id::key`] of the id that it has now.
    pub(crate) fn key(&self) -> Key<'_> {
        let text = |pointer: &str| match self.get(pointer) {
            Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.and_then(scalar).unwrap_or_default()),
        };
        let api_version = self.text("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = self.text("/kind");
        let namespace = match text("/metadata/namespace") {
            _ if is_cluster_scoped(group, version, kind) => Cow::Borrowed(""),
            namespace if namespace.is_empty() => Cow::Borrowed("default"),
            namespace => namespace,
        };
        Key { name: text("/metadata/name"), kind, group, version, namespace }
    }

    pub(crate) fn id(&self) -> Id {
        Id { gvk: self.gvk(), namespace: self.namespace(), name: self.name() }
    }

    /// Is it still an object that has a kind and a name?
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let kind = self.text("/kind");
        let missing = match (kind.is_empty(), self.name().is_empty() && !kind.ends_with("List")) {
            (true, _) => "kind",
            (_, true) => "metadata.name",
            _ => return Ok(()),
        };
        Err(BuildError::new(format!("missing {missing} in object after it was changed"))
            .at(&self.place)
            .hint("a patch or a replacement of a layer took it away"))
    }

    /// The kind that the file gave it.
    pub(crate) fn original_gvk(&self) -> GroupVersionKind {
        self.previous.first().map_or_else(|| self.gvk(), |id| id.gvk.clone())
    }

    /// The ids that it had before it was renamed or moved, oldest first.
    pub(crate) fn previous_ids(&self) -> &[Id] {
        &self.previous
    }

    /// Every id that it ever had.
    pub(crate) fn any_id(&self, accept: impl Fn(&Id) -> bool) -> bool {
        self.previous.iter().any(&accept) || accept(&self.id())
    }

    /// Remembers the id that it has now, because it is about to change.
    pub(crate) fn remember_id(&mut self) {
        self.previous.push(self.id());
    }

    /// Remembers an id that it had before the build.
    pub(crate) fn remember(&mut self, id: Id) {
        self.previous.push(id);
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        if let Some(metadata) = self.metadata() {
            metadata.insert("name".to_owned(), name.into());
        }
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if let Some(metadata) = self.metadata() {
            if namespace.is_empty() {
                metadata.remove("namespace");
            } else {
                metadata.insert("namespace".to_owned(), namespace.into());
            }
        }
    }

    /// Removes the fields of maps that are written as nothing, as kustomize's merge does when it passes them. It does not
    /// pass the items of lists that it replaces.
    pub(crate) fn drop_empty(&mut self, passes: impl Fn(&[String]) -> bool) {
        for pointer in std::mem::take(&mut self.empty) {
            let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
            if !lists_above(&self.value, parent).iter().all(|path| passes(path)) {
                continue;
            }
            let key = key.replace("~1", "/").replace("~0", "~");
            if let Some(Value::Object(map)) = self.value.pointer_mut(parent)
                && map.get(&key).is_some_and(|value| value.is_null() || value == "")
            {
                map.remove(&key);
            }
        }
    }

    /// Makes annotations the texts of what their spellings mean, as kustomize does when it reads an object anew.
    pub(crate) fn read_anew(&mut self) {
        for (pointer, spelled) in std::mem::take(&mut self.spelled) {
            let Some(value) = self.value.pointer_mut(&pointer) else { continue };
            if value.as_str() != Some(&spelled) {
                continue;
            }
            match capstan_yaml::resolve(&spelled, Schema::Objects) {
                Ok(text @ Value::String(_)) => *value = text,
                Ok(other) => *value = capstan_yaml::emit(&other).trim_end().into(),
                Err(_) => {}
            }
        }
    }

    /// Sets a label or an annotation.
    pub(crate) fn set_metadata(&mut self, field: &str, key: &str, text: &str) {
        let Some(metadata) = self.metadata() else { return };
        let child = metadata.entry(field).or_insert(Value::Null);
        if child.is_null() {
            *child = Value::Object(Map::new());
        }
        if let Some(child) = child.as_object_mut() {
            child.insert(key.to_owned(), text.into());
        }
    }

    /// Remembers that a prefix or suffix was added in a layer.
    pub(crate) fn remember_affix(&mut self, side: Side, affix: &str) {
        let list = match side {
            Side::Prefix => &mut self.prefixes,
            Side::Suffix => &mut self.suffixes,
        };
        if !affix.is_empty() {
            list.push(affix.to_owned());
        }
    }

    /// Did both go through the same layers as far as both lists reach? `lenient`: a side without
    /// any prefix (or suffix) agrees with every other.
    pub(crate) fn same_affixes(&self, other: &Self, lenient: bool) -> bool {
        let agree = |a: &[String], b: &[String]| {
            (lenient && (a.is_empty() || b.is_empty())) || a.ends_with(b) || b.ends_with(a)
        };
        let strict = |a: &[String], b: &[String]| lenient || a.is_empty() == b.is_empty();
        agree(&self.prefixes, &other.prefixes)
            && agree(&self.suffixes, &other.suffixes)
            && strict(&self.prefixes, &other.prefixes)
            && strict(&self.suffixes, &other.suffixes)
    }

    /// Gives an object annotations that kustomize takes notes on, which are annotations.
    pub(crate) fn show_annotations(&mut self) {
        let has_notes =
            !(self.previous.is_empty() && self.prefixes.is_empty() && self.suffixes.is_empty())
                || self.needs_hash
                || self.behavior != Behavior::Unspecified;
        if has_notes && let Some(metadata) = self.metadata() {
            let annotations = metadata.entry("annotations").or_insert(Value::Null);
            if annotations.is_null() {
                *annotations = Value::Object(Map::new());
            }
        }
    }

    /// Takes over what must survive when a generator replaces or extends `old`.
    pub(crate) fn continue_from(&mut self, old: Self) {
        self.set_name(&old.name());
        self.set_namespace(&old.namespace());
        for field in ["labels", "annotations"] {
            let older = old.value.pointer(&format!("/metadata/{field}"));
            if let Some(Value::Object(older)) = older
                && let Some(metadata) = self.metadata()
            {
                underlay(metadata, field, older);
            }
        }
        self.needs_hash &= old.needs_hash;
        if self.behavior == Behavior::Merge {
            self.origin = old.origin;
        }
        self.transformations = old.transformations;
        self.var_names = old.var_names;
        self.previous = old.previous;
        self.prefixes = old.prefixes;
        self.suffixes = old.suffixes;
    }

    /// Adds the entries of `older` below a top-level field where it has none of its own; all of them become texts.
    pub(crate) fn extend_data(&mut self, field: &str, older: &Self) {
        let entries = |resource: &Self| match resource.value.get(field) {
            Some(Value::Object(entries)) => entries.clone(),
            _ => Map::new(),
        };
        let text = |value: Value| Value::from(scalar(&value).unwrap_or_default());
        let merged: Map<String, Value> = entries(older)
            .into_iter()
            .chain(entries(self))
            .map(|(key, value)| (key, text(value)))
            .collect();
        let Some(root) = self.value.as_object_mut() else { return };
        root.remove(field);
        if !merged.is_empty() {
            root.insert(field.to_owned(), Value::Object(merged));
        }
    }

    fn metadata(&mut self) -> Option<&mut Map<String, Value>> {
        let root = self.value.as_object_mut()?;
        let metadata = root.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        metadata.as_object_mut()
    }
}

/// The lists on the way to a value: the keys that lead to each, without positions.
fn lists_above(root: &Value, pointer: &str) -> Vec<Vec<String>> {
    let (mut at, mut keys, mut lists) = (root, Vec::new(), Vec::new());
    for step in pointer.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        let next = match at {
            Value::Array(items) => {
                lists.push(keys.clone());
                key.parse::<usize>().ok().and_then(|index| items.get(index))
            }
            other => {
                let next = other.get(&key);
                keys.push(key);
                next
            }
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    if at.is_array() {
        lists.push(keys);
    }
    lists
}

fn underlay(parent: &mut Map<String, Value>, field: &str, older: &Map<String, Value>) {
    let child = parent.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if child.is_null() {
        *child = Value::Object(Map::new());
    }
    if let Some(child) = child.as_object_mut() {
        for (key, value) in older {
            child.entry(key.as_str()).or_insert_with(|| value.clone());
        }
    }
}
