//! One pass over a composite: what is observed goes in, what is desired comes out.
//!
//! A pass is a fixpoint: what the children show is patched into the composite first, and the
//! children are rendered from the patched composite, so that a value crosses from one child to
//! the next without a second pass. Nothing is written here: the caller records
//! [`Rendered::resource_refs`] before it creates any child.

mod child;
mod composite;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

use crate::composition::{Composition, Mode};
use crate::connection::{self, Details};
use crate::meta;
use crate::patch::PatchError;
use crate::readiness::Readiness;

pub use outcome::{Blocked, Warning};

/// What a pass reads. All of it is given; a pass asks nobody.
pub struct Input<'a> {
    /// The composite as stored, with its status.
    pub composite: &'a Manifest,
    /// The Composition, or the revision, that was selected.
    pub composition: &'a Composition,
    /// The children that exist, by template name (annotation
    /// `crossplane.io/composition-resource-name`).
    pub observed: &'a BTreeMap<String, Observed>,
    /// What EnvironmentConfigs add to the environment: a map, or null.
    pub environment: &'a Value,
    /// `openAPIV3Schema` of a kind's version; `None` where it is not known, then nothing is pruned.
    pub schema: &'a dyn Fn(&GroupVersionKind) -> Option<Value>,
    /// A free name with a prefix, which ends in `-`: the caller appends what is random in it.
    pub new_name: &'a mut dyn FnMut(&str) -> String,
}

/// A child that exists.
#[derive(Clone, Debug)]
pub struct Observed {
    /// As stored.
    pub object: Manifest,
    /// Data of its own connection Secret; empty when it has none yet.
    pub connection: Details,
}

/// What a pass decides.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// One a template, in order.
    pub children: Vec<Child>,
    /// Children of ours whose template is gone: to delete.
    pub orphans: Vec<Orphan>,
    /// The composite with everything patched into it; the parts below compare it with the input.
    pub composite: Manifest,
    /// Has a patch changed its status?
    pub status_changed: bool,
    /// Has a patch changed its spec, labels or annotations?
    pub object_changed: bool,
    /// `spec.resourceRefs` to record before any child is created.
    pub resource_refs: Vec<ResourceRef>,
    /// Does the composite record other ones now?
    pub refs_changed: bool,
    /// The composite's connection details, before the XRD's key filter.
    pub connection: Details,
    /// What concerns the composite itself, as a status field that its schema does not know.
    pub warnings: Vec<Warning>,
    /// Patches *to* composite or environment that failed: the composite is not synced, its
    /// children go on.
    pub errors: Vec<PatchError>,
}

impl Rendered {
    /// Are all children ready?
    pub fn is_ready(&self) -> bool {
        self.children.iter().all(|child| child.readiness.ready)
    }

    /// The children that are not ready, for the message of condition `Ready`: the first few names
    /// with their reasons, then how many more.
    pub fn unready(&self) -> String {
        const SHOWN: usize = 3;
        let waiting: Vec<&Child> = self.children.iter().filter(|c| !c.readiness.ready).collect();
        let shown = waiting.iter().take(SHOWN);
        let mut text: Vec<String> =
            shown.map(|child| format!("{} ({})", child.template, child.readiness.why)).collect();
        if waiting.len() > SHOWN {
            text.push(format!("and {} more", waiting.len() - SHOWN));
        }
        text.join(", ")
    }

    /// The connection details that an XRD publishes.
    pub fn published(&self, keys: &[String]) -> Details {
        connection::filter(self.connection.clone(), keys)
    }
}

/// What a template becomes.
#[derive(Clone, Debug)]
pub struct Child {
    /// The template's name.
    pub template: String,
    /// Kind.
    pub gvk: GroupVersionKind,
    /// Name: kept once chosen. Empty only when the base has no kind.
    pub name: String,
    /// Namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// Does it exist?
    pub exists: bool,
    /// The object to apply. A blocked child is neither created nor updated.
    pub desired: Result<Manifest, Blocked>,
    /// Is it ready?
    pub readiness: Readiness,
    /// What was left out or ignored.
    pub warnings: Vec<Warning>,
}

/// A child whose template is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// The name of the template that it came from.
    pub template: String,
    /// Kind.
    pub gvk: GroupVersionKind,
    /// Namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// One element of `spec.resourceRefs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRef {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `name`; empty when the template has none yet.
    pub name: String,
}

impl ResourceRef {
    /// As the composite records it.
    pub fn to_value(&self) -> Value {
        let mut value = json!({"apiVersion": self.api_version, "kind": self.kind});
        if !self.name.is_empty() {
            value["name"] = self.name.clone().into();
        }
        value
    }

    /// What a composite records.
    pub fn list(composite: &Manifest) -> Vec<Self> {
        let refs = composite.value().pointer("/spec/resourceRefs").and_then(Value::as_array);
        let text = |value: &Value, key| {
            value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let read = |value: &Value| Self {
            api_version: text(value, "apiVersion"),
            kind: text(value, "kind"),
            name: text(value, "name"),
        };
        refs.map(|refs| refs.iter().map(read).collect()).unwrap_or_default()
    }
}

/// Why a Composition cannot be rendered at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The Composition wants a function pipeline.
    #[error("Composition `{0}` has mode Pipeline: this engine renders mode Resources")]
    Pipeline(String),
    /// The Composition is for another kind.
    #[error("Composition `{name}` makes {makes}, not {composite}")]
    Kind {
        /// Its name.
        name: String,
        /// What it makes.
        makes: String,
        /// What it was asked for.
        composite: String,
    },
}

/// Renders a composite.
#[expect(clippy::needless_pass_by_value, reason = "what was given for one pass is used up by it")]
pub fn render(input: Input<'_>) -> Result<Rendered, RenderError> {
    let Input { composite, composition, .. } = &input;
    if composition.mode == Mode::Pipeline {
        return Err(RenderError::Pipeline(composition.name.clone()));
    }
    if !composition.is_for(&composite.gvk()) {
        return Err(RenderError::Kind {
            name: composition.name.clone(),
            makes: composition.composite.to_string(),
            composite: composite.gvk().to_string(),
        });
    }
    let patched = composite::patch(&input);
    let names = child::Names::recorded(input.composite, input.composition);
    let cx = child::Cx {
        composite: &patched.composite,
        environment: &patched.environment,
        schema: input.schema,
        names: &names,
    };
    let mut details = Details::new();
    let mut children = Vec::with_capacity(input.composition.templates.len());
    for (index, template) in input.composition.templates.iter().enumerate() {
        let observed = input.observed.get(&template.name);
        let child = child::render(&cx, index, template, observed, input.new_name);
        if let Some(observed) = observed {
            let read = connection::extract(
                observed.object.value(),
                &observed.connection,
                &template.connection,
            );
            // A detail that cannot be read has been validated with the Composition or is a warning.
            details.extend(read.unwrap_or_default());
        }
        children.push(child);
    }
    Ok(conclude(&input, patched, children, details))
}

fn conclude(
    input: &Input<'_>,
    patched: composite::Patched,
    children: Vec<Child>,
    connection: Details,
) -> Rendered {
    let refs: Vec<ResourceRef> = children
        .iter()
        .map(|child| ResourceRef {
            api_version: child.gvk.api_version(),
            kind: child.gvk.kind.clone(),
            name: child.name.clone(),
        })
        .collect();
    let status = |manifest: &Manifest| manifest.value().get("status").cloned();
    let rest = |manifest: &Manifest| {
        let mut value = manifest.value().clone();
        value.as_object_mut().map(|map| map.remove("status"));
        value
    };
    Rendered {
        orphans: orphans(input),
        status_changed: status(&patched.composite) != status(input.composite),
        object_changed: rest(&patched.composite) != rest(input.composite),
        refs_changed: refs != ResourceRef::list(input.composite),
        composite: patched.composite,
        resource_refs: refs,
        connection,
        warnings: patched.warnings,
        errors: patched.errors,
        children,
    }
}

/// Only what we control is ours to delete.
fn orphans(input: &Input<'_>) -> Vec<Orphan> {
    let known = |name: &String| input.composition.templates.iter().any(|t| t.name == *name);
    let ours = |observed: &Observed| {
        let controller = controller(&observed.object);
        controller.is_some_and(|owner| uid(owner) == input.composite.uid())
    };
    input
        .observed
        .iter()
        .filter(|(template, observed)| !known(template) && ours(observed))
        .map(|(template, observed)| Orphan {
            template: template.clone(),
            gvk: observed.object.gvk(),
            namespace: observed.object.namespace().to_owned(),
            name: observed.object.name().to_owned(),
        })
        .collect()
}

/// The owner reference that controls an object.
fn controller(object: &Manifest) -> Option<&Value> {
    let owners = object.value().pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

fn uid(owner: &Value) -> &str {
    owner.get("uid").and_then(Value::as_str).unwrap_or_default()
}

/// The reference with which a composite controls its children.
pub fn owner_reference(composite: &Manifest) -> Value {
    json!({
        "apiVersion": composite.api_version(),
        "kind": composite.kind(),
        "name": composite.name(),
        "uid": composite.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The template that an object was made from.
pub fn template_of(object: &Manifest) -> Option<&str> {
    object.annotation(meta::ANNOTATION_RESOURCE_NAME)
}
