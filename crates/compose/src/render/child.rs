use std::collections::BTreeMap;

use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Map, Value};

use super::composite::note;
use super::{Blocked, Child, Observed, ResourceRef, Warning, controller, owner_reference, uid};
use crate::composition::{Composition, Template};
use crate::configure::name_prefix;
use crate::patch::{self, End, PatchKind};
use crate::readiness::{self, Readiness};
use crate::{connection, meta, schema};

/// What every child of one pass is rendered from.
pub(super) struct Cx<'a> {
    pub(super) composite: &'a Manifest,
    pub(super) environment: &'a Value,
    pub(super) schema: &'a dyn Fn(&GroupVersionKind) -> Option<Value>,
    pub(super) names: &'a Names,
}

/// Names that the composite recorded for children that may not exist yet.
pub(super) struct Names(BTreeMap<usize, ResourceRef>);

impl Names {
    /// References stand in the order of the templates; another count means another Composition.
    pub(super) fn recorded(composite: &Manifest, composition: &Composition) -> Self {
        let refs = ResourceRef::list(composite);
        if refs.len() != composition.templates.len() {
            return Self(BTreeMap::new());
        }
        Self(refs.into_iter().enumerate().collect())
    }

    fn get(&self, index: usize, gvk: &GroupVersionKind, prefix: &str) -> Option<String> {
        let recorded = self.0.get(&index)?;
        let same = GroupVersionKind::from_api_version(&recorded.api_version, &recorded.kind);
        let fits = same.group == gvk.group
            && same.kind == gvk.kind
            && recorded.name.len() > prefix.len()
            && recorded.name.starts_with(prefix);
        fits.then(|| recorded.name.clone())
    }
}

pub(super) fn render(
    cx: &Cx<'_>,
    index: usize,
    template: &Template,
    observed: Option<&Observed>,
    new_name: &mut dyn FnMut(&str) -> String,
) -> Child {
    let mut child = Child {
        template: template.name.clone(),
        gvk: GroupVersionKind::from_api_version("", ""),
        name: String::new(),
        namespace: String::new(),
        exists: observed.is_some(),
        desired: Err(Blocked::Patches(Vec::new())),
        readiness: Readiness::not("not rendered"),
        warnings: Vec::new(),
    };
    match base(template) {
        Ok((object, gvk)) => {
            child.gvk = gvk;
            child.desired = desired(cx, index, template, observed, object, &mut child, new_name);
        }
        Err(blocked) => child.desired = Err(blocked),
    }
    child.readiness = ready(&mut child, template, observed);
    child
}

/// The template's object and its kind.
fn base(template: &Template) -> Result<(Value, GroupVersionKind), Blocked> {
    let blocked = |problem: &str| Blocked::Base {
        template: template.name.clone(),
        problem: problem.to_owned(),
    };
    let text = |key| template.base.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    if !template.base.is_object() {
        return Err(blocked("is not an object"));
    }
    let api_version = text("apiVersion").ok_or_else(|| blocked("has no apiVersion"))?;
    let kind = text("kind").ok_or_else(|| blocked("has no kind"))?;
    Ok((template.base.clone(), GroupVersionKind::from_api_version(api_version, kind)))
}

fn desired(
    cx: &Cx<'_>,
    index: usize,
    template: &Template,
    observed: Option<&Observed>,
    mut object: Value,
    child: &mut Child,
    new_name: &mut dyn FnMut(&str) -> String,
) -> Result<Manifest, Blocked> {
    if let Some(observed) = observed {
        set_metadata(&mut object, "name", observed.object.name());
        set_metadata(&mut object, "namespace", observed.object.namespace());
    }
    let mut errors = Vec::new();
    for patch in &template.patches {
        // After a fault the rest is still applied: it may give the name, or name another fault.
        let result = match patch.kind().and_then(PatchKind::ends) {
            Some((End::Composite, End::Child)) => {
                patch::apply(patch, cx.composite.value(), &mut object)
            }
            Some((End::Environment, End::Child)) => {
                patch::apply(patch, cx.environment, &mut object)
            }
            _ => continue,
        };
        note(&mut errors, &template.name, patch, result);
    }
    name(cx, index, observed, &mut object, child, new_name);
    if let Some(observed) = observed {
        check_identity(cx, template, &observed.object, &child.gvk)?;
    }
    if !errors.is_empty() {
        return Err(Blocked::Patches(errors));
    }
    finish(cx, object, child)
}

/// A name that exists stays; then the template's own; then the one recorded; then a new one.
fn name(
    cx: &Cx<'_>,
    index: usize,
    observed: Option<&Observed>,
    object: &mut Value,
    child: &mut Child,
    new_name: &mut dyn FnMut(&str) -> String,
) {
    let text = |object: &Value, pointer: &str| {
        object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let own = text(object, "/metadata/name");
    let prefix = format!("{}-", name_prefix(cx.composite));
    child.name = match observed {
        Some(observed) => {
            let name = observed.object.name().to_owned();
            if own != name {
                child.warnings.push(Warning::NameKept {
                    template: child.template.clone(),
                    name: name.clone(),
                    wanted: own,
                });
            }
            set_metadata(object, "namespace", observed.object.namespace());
            name
        }
        None if !own.is_empty() => own,
        None => {
            let recorded = cx.names.get(index, &child.gvk, &prefix);
            recorded.unwrap_or_else(|| new_name(&prefix))
        }
    };
    child.namespace = text(object, "/metadata/namespace");
    set_metadata(object, "name", &child.name);
    set_metadata(object, "generateName", &prefix);
}

/// The version may change, group and kind may not; what another object controls is not ours.
fn check_identity(
    cx: &Cx<'_>,
    template: &Template,
    exists: &Manifest,
    wanted: &GroupVersionKind,
) -> Result<(), Blocked> {
    let gvk = exists.gvk();
    if gvk.group != wanted.group || gvk.kind != wanted.kind {
        return Err(Blocked::Kind {
            template: template.name.clone(),
            exists: gvk.to_string(),
            wanted: wanted.to_string(),
        });
    }
    match controller(exists) {
        Some(owner) if uid(owner) != cx.composite.uid() => {
            let text = |key| owner.get(key).and_then(Value::as_str).unwrap_or_default();
            Err(Blocked::Foreign {
                template: template.name.clone(),
                controller: format!("{}/{}", text("kind"), text("name")),
            })
        }
        _ => Ok(()),
    }
}

/// Labels, annotation and owner; then the schema.
fn finish(cx: &Cx<'_>, object: Value, child: &mut Child) -> Result<Manifest, Blocked> {
    let broken = |problem: String| Blocked::Base { template: child.template.clone(), problem };
    let mut manifest = Manifest::try_from(object)
        .map_err(|error| broken(format!("with its patches is no object: {error}")))?;
    let claim = |key, field: &str| {
        let reference = format!("/spec/claimRef/{field}");
        let referred = cx.composite.value().pointer(&reference).and_then(Value::as_str);
        cx.composite.label(key).or(referred).filter(|text| !text.is_empty())
    };
    manifest.set_label(meta::LABEL_COMPOSITE, name_prefix(cx.composite));
    if let Some(name) = claim(meta::LABEL_CLAIM_NAME, "name") {
        manifest.set_label(meta::LABEL_CLAIM_NAME, name);
    }
    if let Some(namespace) = claim(meta::LABEL_CLAIM_NAMESPACE, "namespace") {
        manifest.set_label(meta::LABEL_CLAIM_NAMESPACE, namespace);
    }
    manifest.set_annotation(meta::ANNOTATION_RESOURCE_NAME, &child.template);
    own(&mut manifest, cx.composite);
    let gvk = manifest.gvk();
    child.gvk = gvk.clone();
    let Some(schema) = (cx.schema)(&gvk) else { return Ok(manifest) };
    let (pruned, dropped) = schema::prune(manifest.into_value(), &schema);
    child.warnings.extend(dropped.into_iter().map(|field| Warning::Dropped {
        template: child.template.clone(),
        gvk: gvk.clone(),
        field,
    }));
    Manifest::try_from(pruned).map_err(|error| Blocked::Base {
        template: child.template.clone(),
        problem: format!("does not fit its schema: {error}"),
    })
}

/// Owners that the template gives stay, as long as they do not control.
fn own(manifest: &mut Manifest, composite: &Manifest) {
    let mut owners: Vec<Value> = manifest
        .value()
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    owners.retain(|owner| owner.get("controller") != Some(&Value::Bool(true)));
    owners.push(owner_reference(composite));
    if let Some(metadata) = manifest.value_mut().get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("ownerReferences".to_owned(), owners.into());
    }
}

fn ready(child: &mut Child, template: &Template, observed: Option<&Observed>) -> Readiness {
    if let Err(blocked) = &child.desired {
        return Readiness::not(blocked.to_string());
    }
    let Some(observed) = observed else { return Readiness::not("not created yet") };
    let object = &observed.object;
    if object.is_deleting() {
        return Readiness::not("is being deleted");
    }
    let mut ignored = |problem| {
        child.warnings.push(Warning::Ignored { template: child.template.clone(), problem });
    };
    let details = connection::extract(object.value(), &observed.connection, &template.connection);
    if let Err(error) = details {
        ignored(error.to_string());
    }
    readiness::check(object.value(), &template.checks).unwrap_or_else(|error| {
        ignored(error.to_string());
        Readiness::not(error.to_string())
    })
}

/// Sets a text below `metadata`; an empty one removes the field.
fn set_metadata(object: &mut Value, key: &str, text: &str) {
    let Some(map) = object.as_object_mut() else { return };
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    let Some(metadata) = metadata.as_object_mut() else { return };
    if text.is_empty() {
        metadata.remove(key);
    } else {
        metadata.insert(key.to_owned(), text.into());
    }
}
