use std::collections::BTreeMap;

use capstan_yaml::{Map, Scalar, Tag, Value, set_field};

use crate::config::{self, Config};
use crate::error::BuildError;
use crate::fields::{Field, Made};
use crate::kustomization::LabelRule;
use crate::resource::Resource;
use crate::resources::Resources;

type Pairs = BTreeMap<String, String>;

/// `labels[]`.
pub(super) fn rule(
    rule: &LabelRule,
    config: &Config,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let mut fields = rule.fields.clone();
    let mut add_all =
        |list: &[Field]| list.iter().try_for_each(|field| config::add(&mut fields, field));
    add_all(&config.labels)?;
    if rule.include_selectors {
        add_all(&config.common_labels)?;
    } else {
        if rule.include_templates {
            add_all(&config.template_labels)?;
        }
        add_all(&[Field::everywhere("metadata/labels")])?;
    }
    set(&rule.pairs, &fields, resources)
}

/// Sets pairs in the maps at the fields: labels or annotations.
pub(crate) fn set(
    pairs: &Pairs,
    fields: &[Field],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        let gvk = resource.gvk();
        if fields.iter().any(|field| !field.create && field.path == "metadata/annotations") {
            resource.show_annotations();
        }
        let before = places(pairs, fields, resource);
        let mut nodes: Nodes<'_> = BTreeMap::new();
        for field in fields.iter().filter(|field| field.admits(&gvk)) {
            field
                .visit(&mut resource.value, Made::Map, &mut |value| {
                    insert(pairs, &mut nodes, value)
                })
                .map_err(|error| {
                    field.fault(resource, &error).hint("labels and annotations go into maps")
                })?;
        }
        unite(&nodes, &before, &places(pairs, fields, resource), resource);
    }
    Ok(())
}

/// The scalar of each key. It takes the style of every one that it replaces, and keeps it.
type Nodes<'a> = BTreeMap<&'a String, Scalar>;

/// Where pairs are: the maps at the fields, as JSON pointers, and which of the keys each has.
type Places<'a> = BTreeMap<String, Vec<&'a String>>;

fn places<'a>(pairs: &'a Pairs, fields: &[Field], resource: &Resource) -> Places<'a> {
    let gvk = resource.gvk();
    let fields = fields.iter().filter(|field| field.admits(&gvk));
    let maps = fields.flat_map(|field| field.maps(&resource.value));
    maps.map(|(at, map)| (at, pairs.keys().filter(|key| map.contains_key(*key)).collect()))
        .collect()
}

/// A pair that is new in several maps is one value there; one that was there changes wherever it is one.
fn unite(nodes: &Nodes<'_>, before: &Places<'_>, after: &Places<'_>, resource: &mut Resource) {
    for (key, node) in nodes {
        let had = |map: &&String| before.get(*map).is_some_and(|keys| keys.contains(key));
        let (old, new): (Vec<&String>, Vec<&String>) = after.keys().partition(had);
        let pointer = |map: &String| format!("{map}/{}", crate::fields::escaped(key));
        for map in old {
            resource.one_value.written(&pointer(map), &mut resource.value);
        }
        let new: Vec<String> = new.into_iter().map(pointer).collect();
        for field in &new {
            if let Some(value) = resource.value.pointer_mut(field) {
                *value = node.clone().into();
            }
        }
        resource.one_value.unite(new);
    }
}

fn insert<'a>(pairs: &'a Pairs, nodes: &mut Nodes<'a>, value: &mut Value) -> Result<(), String> {
    let map: &mut Map = match value {
        Value::Object(map) => map,
        // A null that is not to be made a map stays.
        null if null.is_null() => return Ok(()),
        _ => return Err("wrong node kind: expected a map".to_owned()),
    };
    for (key, text) in pairs {
        let node = nodes.entry(key).or_insert_with(|| Scalar::typed(text.clone(), Tag::Text));
        set_field(map, key, node.clone().into());
        if let Some(Value::Scalar(set)) = map.get(key) {
            node.clone_from(set);
        }
    }
    Ok(())
}
