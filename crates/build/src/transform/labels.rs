use std::collections::BTreeMap;

use capstan_yaml::{Schema, resolve};
use serde_json::{Map, Value};

use crate::config::{self, Config};
use crate::error::BuildError;
use crate::fields::Field;
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
    let blank = Value::Object(Map::new());
    // kustomize writes a new key without quotes, and then cannot read what it wrote.
    let is_no_text = |key: &&String| !matches!(resolve(key, Schema::Objects), Ok(Value::String(_)));
    let faulty: Vec<&String> = pairs.keys().filter(is_no_text).collect();
    for resource in resources.iter_mut() {
        let gvk = resource.gvk();
        if fields.iter().any(|field| !field.create && field.path == "metadata/annotations") {
            resource.show_annotations();
        }
        let before = places(pairs, fields, resource);
        for field in fields.iter().filter(|field| field.admits(&gvk)) {
            field
                .visit(&mut resource.value, &blank, &mut |value| insert(pairs, &faulty, value))
                .map_err(|error| {
                    field.fault(resource, &error).hint("labels and annotations go into maps")
                })?;
        }
        unite(pairs, &before, &places(pairs, fields, resource), resource);
    }
    Ok(())
}

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
fn unite(pairs: &Pairs, before: &Places<'_>, after: &Places<'_>, resource: &mut Resource) {
    for key in pairs.keys() {
        let had = |map: &&String| before.get(*map).is_some_and(|keys| keys.contains(&key));
        let (old, new): (Vec<&String>, Vec<&String>) = after.keys().partition(had);
        let pointer = |map: &String| format!("{map}/{}", crate::fields::escaped(key));
        for map in old {
            resource.one_value.written(&pointer(map), &mut resource.value);
        }
        resource.one_value.unite(new.into_iter().map(pointer).collect());
    }
}

fn insert(pairs: &Pairs, faulty: &[&String], value: &mut Value) -> Result<(), String> {
    let Value::Object(map) = value else {
        // A null that is not to be made a map stays.
        if value.is_null() {
            return Ok(());
        }
        return Err("wrong node kind: expected a map".to_owned());
    };
    for (key, text) in pairs {
        match map.get_mut(key) {
            Some(old) => *old = text.as_str().into(),
            None if faulty.contains(&key) => {
                return Err(format!("the key `{key}` is no text in YAML"));
            }
            None => drop(map.insert(key.clone(), text.as_str().into())),
        }
    }
    Ok(())
}
