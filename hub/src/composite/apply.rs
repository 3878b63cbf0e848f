//! One pass over a composite, repeated until nothing changes: what one child shows is in the next child's spec at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_cluster::{ApplyOptions, DeleteOptions};
use capstan_compose::composition::Composition;
use capstan_compose::render::{
    Child, Input, Observed, Rendered, ResourceRef, owner_reference, render,
};
use capstan_model::{GroupVersionKind, Manifest};
use futures::{FutureExt, StreamExt};
use serde_json::Value;

use super::status::{Failure, Outcome};
use super::{CompositeError, Definition, observe};
use crate::names::suffix;
use crate::object::controller;
use crate::world::{CompositeKey, World};
use crate::{FIELD_MANAGER, kinds};

/// Who owns the fields of composed objects.
const MANAGER: &str = "apiextensions.crossplane.io/composed";
/// How many children are applied at once: the client keeps about as many connections.
const AT_ONCE: usize = 8;
/// A chain of values through more children than this is one that never settles; the events of the children go on with it.
const PASSES: usize = 6;

/// Renders and applies until a pass changes nothing. Nothing when a kind has not been read whole yet.
pub(super) async fn to_fixpoint(
    world: &Arc<World>,
    definition: &Definition,
    composition: &Composition,
    mut composite: Manifest,
) -> Result<Option<Outcome>, CompositeError> {
    for template in &composition.templates {
        let text = |key| template.base.get(key).and_then(Value::as_str).unwrap_or_default();
        world.watch(&GroupVersionKind::from_api_version(text("apiVersion"), text("kind")));
    }
    let Some(seen) = observe::children(world, &composite).await? else { return Ok(None) };
    let mut observed = observe::by_template(world, composition, seen).await?;
    let key = (definition.composite.clone(), composite.name().to_owned());
    let mut pass = 0;
    loop {
        pass += 1;
        let rendered = pass_over(world, composition, &composite, &observed)?;
        composite = record(world, composite, &rendered).await?;
        let (changed, failures) =
            apply_all(world, &key, &composite, &rendered.children, &mut observed).await?;
        delete_orphans(world, &rendered).await?;
        if !changed || pass == PASSES {
            return Ok(Some(Outcome { key, composite, rendered, failure: Failure::of(&failures) }));
        }
    }
}

fn pass_over(
    world: &Arc<World>,
    composition: &Composition,
    composite: &Manifest,
    observed: &BTreeMap<String, Observed>,
) -> Result<Rendered, CompositeError> {
    let crds = world.watch(&kinds::crd()).all();
    let schema = |gvk: &GroupVersionKind| schema_of(&crds, gvk);
    let mut new_name = |prefix: &str| format!("{prefix}{}", suffix(&mut rand::rng()));
    Ok(render(Input {
        composite,
        composition,
        observed,
        environment: &Value::Null,
        schema: &schema,
        new_name: &mut new_name,
    })?)
}

/// The schema of a kind's version, from its CRD.
fn schema_of(crds: &[Arc<Manifest>], gvk: &GroupVersionKind) -> Option<Value> {
    let crd = crds.iter().find(|crd| {
        let spec = &crd.value()["spec"];
        spec["group"] == gvk.group.as_str() && spec["names"]["kind"] == gvk.kind.as_str()
    })?;
    let versions = crd.value().pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["name"] == gvk.version.as_str())?;
    version.pointer("/schema/openAPIV3Schema").cloned()
}

/// Records every child in the composite before any of them is made: whatever happens next, none is forgotten.
async fn record(
    world: &World,
    composite: Manifest,
    rendered: &Rendered,
) -> Result<Manifest, CompositeError> {
    if !rendered.refs_changed && !rendered.object_changed {
        return Ok(composite);
    }
    let mut updated = rendered.composite.clone();
    let refs = rendered.resource_refs.iter().map(ResourceRef::to_value);
    updated.value_mut()["spec"]["resourceRefs"] = refs.collect();
    Ok(world.cluster.replace(&updated, FIELD_MANAGER).await?)
}

/// Applies the children that may be applied. True when one of them was made or changed by it.
async fn apply_all(
    world: &World,
    key: &CompositeKey,
    composite: &Manifest,
    children: &[Child],
    observed: &mut BTreeMap<String, Observed>,
) -> Result<(bool, Vec<CompositeError>), CompositeError> {
    let mut due = Vec::new();
    for child in children {
        let Ok(desired) = &child.desired else { continue };
        let before = observed.get(&child.template).map(|observed| observed.object.clone());
        let digest = desired.digest();
        let settled = world.composites.was_applied(key, &child.template, &digest)
            && before.as_ref().is_some_and(|before| covers(desired.value(), before.value()));
        if !settled {
            let apply = async move {
                (child, digest, before, apply_one(world, composite, child, desired).await)
            };
            due.push(apply.boxed());
        }
    }
    let mut applied = futures::stream::iter(due).buffer_unordered(AT_ONCE);
    let (mut changed, mut failures) = (false, Vec::new());
    while let Some((child, digest, before, stored)) = applied.next().await {
        match stored {
            Ok(object) => {
                world.composites.applied(key, &child.template, digest);
                let same =
                    |before: Manifest| before.resource_version() == object.resource_version();
                changed |= !before.is_some_and(same);
                let slot = observed.entry(child.template.clone());
                slot.and_modify(|observed| observed.object = object.clone())
                    .or_insert_with(|| Observed { object, connection: Default::default() });
            }
            Err(error) => failures.push(error),
        }
    }
    Ok((changed, failures))
}

async fn apply_one(
    world: &World,
    composite: &Manifest,
    child: &Child,
    desired: &Manifest,
) -> Result<Manifest, CompositeError> {
    if !child.exists {
        // An object of that name may be there without being ours: it is not taken from whoever controls it.
        let there = world.cluster.get(&child.gvk, &child.namespace, &child.name).await?;
        let foreign = there.as_ref().and_then(controller);
        if let Some(owner) = foreign.filter(|owner| owner.uid != composite.uid()) {
            return Err(CompositeError::Foreign {
                template: child.template.clone(),
                object: desired.id().to_string(),
                controller: format!("{}/{}", owner.gvk.kind, owner.name),
            });
        }
    }
    let options = ApplyOptions { field_manager: MANAGER, force: true, dry_run: false };
    Ok(world.cluster.apply(desired, options).await?)
}

async fn delete_orphans(world: &World, rendered: &Rendered) -> Result<(), CompositeError> {
    for orphan in &rendered.orphans {
        let options = DeleteOptions::default();
        world.cluster.delete(&orphan.gvk, &orphan.namespace, &orphan.name, &options).await?;
    }
    Ok(())
}

/// Does an object have everything that is desired of it?
fn covers(desired: &Value, found: &Value) -> bool {
    match (desired, found) {
        (Value::Object(desired), Value::Object(found)) => desired
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|found| covers(value, found))),
        (Value::Array(desired), Value::Array(found)) => {
            desired.len() == found.len()
                && desired.iter().zip(found).all(|(desired, found)| covers(desired, found))
        }
        _ => desired == found,
    }
}

/// The reference by which a composite controls what it makes, as a list.
pub(super) fn owners(composite: &Manifest) -> Value {
    Value::Array(vec![owner_reference(composite)])
}

#[cfg(test)]
mod tests {
    use super::{covers, schema_of};
    use capstan_model::{GroupVersionKind, Manifest};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn what_others_add_does_not_count() {
        let found = json!({"spec": {"a": 1, "b": [{"c": 2, "d": 3}]}, "status": {}});
        for (desired, covered) in [
            (json!({"spec": {"a": 1}}), true),
            (json!({"spec": {"b": [{"c": 2}]}}), true),
            (json!({"spec": {"a": 2}}), false),
            (json!({"spec": {"b": []}}), false),
            (json!({"spec": {"e": 1}}), false),
        ] {
            assert_eq!(covers(&desired, &found), covered, "{desired}");
        }
    }

    #[test]
    fn a_schema_is_found_by_group_kind_and_version() {
        let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "as.g"}, "spec": {"group": "g", "names": {"kind": "A"},
                "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
        let crds = [Arc::new(Manifest::try_from(crd).expect("valid"))];
        let find = |version| schema_of(&crds, &GroupVersionKind::new("g", version, "A"));
        assert_eq!(find("v1"), Some(json!({"type": "object"})));
        assert_eq!(find("v2"), None);
    }
}
