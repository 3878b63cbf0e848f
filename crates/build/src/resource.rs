use std::fmt;
use std::sync::Arc;

use capstan_model::GroupVersionKind;
use capstan_yaml::{Map, Value, set_field};

use crate::error::{BuildError, Place};
use crate::generate::Behavior;
use crate::one_value::OneValue;
use crate::origin::Origin;
use crate::scope::is_cluster_scoped;
use crate::transform::names::Side;

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
        Key { name: &self.name, kind, group, version, namespace: self.effective_namespace() }
    }
}

/// An id without text of its own: equal keys name the same object.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    name: &'a str,
    kind: &'a str,
    group: &'a str,
    version: &'a str,
    /// The one that counts.
    namespace: &'a str,
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
            var_names: Vec::new(),
            origin: None,
            transformations: Vec::new(),
            one_value: OneValue::default(),
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
        }
    }

    /// The text of a scalar of any type; an empty one for a null, and for what is not there.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.get(pointer).and_then(Value::text).unwrap_or_default()
    }

    /// The value under a JSON pointer.
    pub(crate) fn get(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    pub(crate) fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::from_api_version(self.text("/apiVersion"), self.text("/kind"))
    }

    /// The name; a number is the name that it is written as.
    pub(crate) fn name(&self) -> String {
        self.text("/metadata/name").to_owned()
    }

    pub(crate) fn namespace(&self) -> String {
        self.text("/metadata/namespace").to_owned()
    }

    /// As [`Id::key`] of the id that it has now.
    pub(crate) fn key(&self) -> Key<'_> {
        let api_version = self.text("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = self.text("/kind");
        let namespace = match self.text("/metadata/namespace") {
            _ if is_cluster_scoped(group, version, kind) => "",
            "" => "default",
            namespace => namespace,
        };
        Key { name: self.text("/metadata/name"), kind, group, version, namespace }
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
            set_field(metadata, "name", Value::bare(name));
        }
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if let Some(metadata) = self.metadata() {
            if namespace.is_empty() {
                metadata.remove("namespace");
            } else {
                set_field(metadata, "namespace", Value::bare(namespace));
            }
        }
    }

    /// Sets a label or an annotation.
    pub(crate) fn set_metadata(&mut self, field: &str, key: &str, text: &str) {
        let Some(metadata) = self.metadata() else { return };
        if let Some(child) = child_map(metadata, field) {
            set_field(child, key, text.into());
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
        if has_notes {
            self.make_annotations();
        }
    }

    /// Gives an object annotations.
    pub(crate) fn make_annotations(&mut self) {
        if let Some(metadata) = self.metadata() {
            child_map(metadata, "annotations");
        }
    }

    /// Makes every annotation a text, as kustomize does when it sets all of them anew.
    pub(crate) fn rewrite_annotations(&mut self) {
        const FIELD: &str = "/metadata/annotations";
        if let Some(Value::Object(annotations)) = self.value.pointer_mut(FIELD) {
            annotations.values_mut().for_each(rewrite);
            annotations.set_all_bare();
            self.one_value.part(FIELD);
        }
    }

    /// Takes over what must survive when a generator replaces or extends `old`.
    pub(crate) fn continue_from(&mut self, old: Self) {
        self.set_name(&old.name());
        self.set_namespace(&old.namespace());
        for field in ["labels", "annotations"] {
            if let Some(Value::Object(older)) = old.value.pointer(&format!("/metadata/{field}"))
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
        let text = |value: Value| Value::from(value.text().unwrap_or_default());
        let newest: Map = entries(older).into_iter().chain(entries(self)).collect();
        let mut merged = Map::new();
        for (key, value) in newest {
            set_field(&mut merged, &key, text(value));
        }
        let Some(root) = self.value.as_object_mut() else { return };
        root.remove(field);
        if !merged.is_empty() {
            root.insert(field.to_owned(), Value::Object(merged));
        }
    }

    fn metadata(&mut self) -> Option<&mut Map> {
        let root = self.value.as_object_mut()?;
        root.entry("metadata".to_owned()).or_insert_with(Value::map).as_object_mut()
    }
}

/// The map of a key, made where there is none; nothing when the key holds something else.
fn child_map<'a>(parent: &'a mut Map, key: &str) -> Option<&'a mut Map> {
    let child = parent.entry(key.to_owned()).or_insert_with(Value::map);
    if child.is_null() {
        *child = Value::map();
    }
    child.as_object_mut()
}

fn underlay(parent: &mut Map, field: &str, older: &Map) {
    if let Some(child) = child_map(parent, field) {
        for (key, value) in older {
            child.entry(key.clone()).or_insert_with(|| value.clone());
        }
        child.values_mut().for_each(rewrite);
        child.set_all_bare();
    }
}

/// Makes a value the text that is written for it; of a map or a list, nothing is.
pub(crate) fn rewrite(value: &mut Value) {
    *value = value.written().unwrap_or_default().into();
}
