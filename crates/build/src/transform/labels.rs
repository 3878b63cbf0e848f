use std::collections::BTreeMap;

use capstan_yaml::{Schema, resolve};
use serde_json::{Map, Value};

use crate::config::{self, Config};
use crate::error::BuildError;
use crate::fields::Field;
use crate::kustomization::LabelRule;
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
        for field in fields.iter().filter(|field| field.admits(&gvk)) {
            field
                .visit(&mut resource.value, &blank, &mut |value| insert(pairs, &faulty, value))
                .map_err(|error| {
                    field.fault(resource, &error).hint("labels and annotations go into maps")
                })?;
        }
    }
    Ok(())
}

fn insert(pairs: &Pairs, faulty: &[&String], value: &mut Value) -> Result<(), String> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else {
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
