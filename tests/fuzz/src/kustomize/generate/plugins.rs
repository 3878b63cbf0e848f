//! transformers and generators: plugins that are built in, configured by documents.

use serde_json::{Value, json};

use super::objects::{NAMES, NAMESPACES, Object};
use super::scalars::TEXT;
use super::{Feature, Maker, generators, patches, replacements};
use crate::node;

/// Adds plugins to a layer.
pub(crate) fn add(
    maker: &mut Maker<'_>,
    path: &str,
    fields: &mut Value,
    objects: &mut Vec<Object>,
) {
    if maker.shows(Feature::Transformers) {
        for _ in 0..=maker.random.below(1) {
            let config = transformer(maker, objects);
            place(maker, path, fields, "transformers", config);
        }
    }
    if maker.shows(Feature::Generators) {
        let kind = maker.random.pick(&["ConfigMap", "Secret"]);
        let mut config = generators::generator(maker, path, kind, objects);
        let name = config["name"].take();
        let namespace = config["namespace"].take();
        if let Value::Object(map) = &mut config {
            map.retain(|_, value| !value.is_null());
        }
        config["apiVersion"] = json!("builtin");
        config["kind"] = json!(format!("{kind}Generator"));
        config["metadata"] = json!({ "name": name });
        if !namespace.is_null() {
            config["metadata"]["namespace"] = namespace;
        }
        place(maker, path, fields, "generators", config);
    }
}

fn place(maker: &mut Maker<'_>, path: &str, fields: &mut Value, field: &str, config: Value) {
    let entry = if maker.random.one_in(2) {
        json!({ node::TEXT: config })
    } else {
        let file = maker.file_name("plugin");
        maker.add(&format!("{path}/{file}"), &[config]);
        json!(file)
    };
    patches::push(fields, field, entry);
}

fn transformer(maker: &mut Maker<'_>, objects: &[Object]) -> Value {
    let specs = |maker: &mut Maker<'_>| {
        let random = &mut *maker.random;
        json!([{"path": random.pick(&["metadata/labels", "spec/template/metadata/labels", "spec/selector", "spec/new/map"]), "create": random.one_in(2)}])
    };
    let (kind, body) = match maker.random.below(11) {
        0 => (
            "PrefixTransformer",
            json!({"prefix": "t-", "fieldSpecs": [{"path": "metadata/name"}]}),
        ),
        1 => (
            "SuffixTransformer",
            json!({"suffix": "-t", "fieldSpecs": [{"path": "metadata/name"}]}),
        ),
        2 => (
            "NamespaceTransformer",
            json!({"metadata": {"name": "n", "namespace": maker.random.pick(&NAMESPACES)},
            "unsetOnly": maker.random.one_in(2), "setRoleBindingSubjects": maker.random.pick(&["none", "allServiceAccounts", "defaultOnly"]), "fieldSpecs": [{"path": "metadata/namespace", "create": true}]}),
        ),
        3 => (
            "LabelTransformer",
            json!({"labels": {"l": TEXT, "app": "t"}, "fieldSpecs": specs(maker)}),
        ),
        4 => (
            "AnnotationsTransformer",
            json!({"annotations": {"l": TEXT}, "fieldSpecs": specs(maker)}),
        ),
        5 => (
            "ImageTagTransformer",
            json!({"imageTag": {"name": "nginx", "newTag": "t"}, "fieldSpecs": [{"path": maker.random.pick(&["spec/template/spec/containers[]/image", "spec/image", "spec/containers/image"])}]}),
        ),
        6 => (
            "ReplicaCountTransformer",
            json!({"replica": {"name": maker.random.pick(&NAMES), "count": 7}, "fieldSpecs": [{"path": "spec/replicas", "create": true, "kind": "Deployment"}]}),
        ),
        7 => ("PatchTransformer", patch(maker, objects)),
        8 => (
            "PatchJson6902Transformer",
            match maker.object(objects) {
                Some(object) => {
                    json!({"target": {"kind": object.kind, "name": object.name, "version": "v1"}, "jsonOp": {node::TEXT: patches::json6902(maker, &object)}})
                }
                None => json!({}),
            },
        ),
        9 => (
            "ReplacementTransformer",
            match replacements::replacement(maker, objects) {
                Some(replacement) => json!({ "replacements": [replacement] }),
                None => json!({ "replacements": [] }),
            },
        ),
        _ => (
            "PatchStrategicMergeTransformer",
            match maker.object(objects) {
                Some(object) => {
                    json!({"patches": {node::TEXT: patches::strategic(maker, &object)}})
                }
                None => json!({}),
            },
        ),
    };
    let mut config = json!({"apiVersion": "builtin", "kind": kind, "metadata": {"name": "plugin"}});
    if let (Value::Object(into), Value::Object(from)) = (&mut config, body) {
        into.extend(from);
    }
    config
}

fn patch(maker: &mut Maker<'_>, objects: &[Object]) -> Value {
    let Some(object) = maker.object(objects) else { return json!({}) };
    let is_json = maker.random.one_in(2);
    let text = if is_json {
        patches::json6902(maker, &object)
    } else {
        patches::strategic(maker, &object)
    };
    let mut body = json!({"patch": {node::TEXT: text}});
    if is_json || maker.random.one_in(2) {
        body["target"] = patches::target(maker, &object);
        if !is_json {
            body["target"]["kind"] = json!(object.kind);
        }
    }
    body
}
