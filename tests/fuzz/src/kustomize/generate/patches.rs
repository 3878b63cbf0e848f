//! Patches in all of their forms.

use serde_json::{Value, json};

use super::objects::{NAMES, NAMESPACES, Object};
use super::pods;
use super::scalars::{ANY, TEXT};
use super::{Feature, Maker};
use crate::node;

/// Adds patches of the objects to a layer.
pub(crate) fn add(maker: &mut Maker<'_>, path: &str, fields: &mut Value, objects: &[Object]) {
    if maker.shows(Feature::StrategicPatches) {
        for _ in 0..=maker.random.below(2) {
            if let Some(object) = maker.object(objects) {
                let patch = strategic(maker, &object);
                place(maker, path, fields, &object, &patch, "patchesStrategicMerge");
            }
        }
    }
    if maker.shows(Feature::JsonPatches) {
        for _ in 0..=maker.random.below(1) {
            if let Some(object) = maker.object(objects) {
                let patch = json6902(maker, &object);
                place(maker, path, fields, &object, &patch, "patchesJson6902");
            }
        }
    }
}

/// Puts a patch inline or in a file, with or without a target, in today's field or its own.
fn place(
    maker: &mut Maker<'_>,
    path: &str,
    fields: &mut Value,
    object: &Object,
    patch: &Value,
    own: &str,
) {
    let is_json = own == "patchesJson6902";
    let in_file = maker.random.one_in(2);
    let file = maker.file_name("patch");
    let inline = json!({ node::TEXT: patch });
    if in_file {
        maker.add(&format!("{path}/{file}"), std::slice::from_ref(patch));
    }
    if maker.random.one_in(4) {
        let entry = match (is_json, in_file) {
            (false, true) => json!(file),
            (false, false) => inline,
            (true, true) => json!({"target": exact(object), "path": file}),
            (true, false) => json!({"target": exact(object), "patch": inline}),
        };
        return push(fields, own, entry);
    }
    let mut entry = if in_file { json!({ "path": file }) } else { json!({ "patch": inline }) };
    if is_json || maker.random.one_in(3) {
        entry["target"] = target(maker, object);
        // A patch of one kind for objects of another is nobody's wish.
        if !is_json {
            entry["target"]["kind"] = json!(object.kind);
        }
    }
    if maker.random.one_in(6) {
        entry["options"] = json!({"allowNameChange": maker.random.one_in(2), "allowKindChange": maker.random.one_in(2)});
    }
    push(fields, "patches", entry);
}

pub(crate) fn push(fields: &mut Value, field: &str, entry: Value) {
    match fields[field].as_array_mut() {
        Some(list) => list.push(entry),
        None => fields[field] = json!([entry]),
    }
}

fn exact(object: &Object) -> Value {
    let (group, version) = object.version.split_once('/').unwrap_or(("", object.version));
    let mut target = json!({"version": version, "kind": object.kind, "name": object.name});
    if !group.is_empty() {
        target["group"] = json!(group);
    }
    if let Some(namespace) = &object.namespace {
        target["namespace"] = json!(namespace);
    }
    target
}

/// A selector that finds the object most of the time.
pub(crate) fn target(maker: &mut Maker<'_>, object: &Object) -> Value {
    let random = &mut *maker.random;
    match random.below(9) {
        0 => json!({"kind": object.kind}),
        1 => json!({"name": object.name}),
        2 => {
            json!({"kind": object.kind, "name": random.pick(&["app.*", ".*", "a|b", "app|web", "(app|db)", "^app$", "[a-z]+", "w.b"])})
        }
        3 => {
            json!({"labelSelector": random.pick(&["app=app", "app!=web", "app in (app,web)", "tier", "!tier", "app=app,tier=front", "app notin (db)"])})
        }
        4 => {
            json!({"kind": object.kind, "annotationSelector": random.pick(&["note", "!note", "example.com/key=one", "note!=x"])})
        }
        5 => json!({"kind": object.kind, "namespace": random.pick(&NAMESPACES)}),
        6 => json!({"kind": random.pick(&["Deployment|StatefulSet", ".*Set", "Dep.*", "Widget"])}),
        _ => exact(object),
    }
}

/// A strategic merge patch of an object.
pub(crate) fn strategic(maker: &mut Maker<'_>, object: &Object) -> Value {
    let mut patch = json!({"apiVersion": object.version, "kind": object.kind, "metadata": {"name": object.name}});
    if let Some(namespace) = &object.namespace {
        patch["metadata"]["namespace"] = json!(namespace);
    }
    match maker.random.below(20) {
        0 => {
            patch["$patch"] = json!("delete");
            return patch;
        }
        1 => patch["$patch"] = json!(maker.random.pick(&["replace", "merge"])),
        2 => patch["metadata"]["name"] = json!(maker.random.pick(&NAMES)),
        _ => {}
    }
    for _ in 0..=maker.random.below(2) {
        piece(maker, object, &mut patch);
    }
    patch
}

fn piece(maker: &mut Maker<'_>, object: &Object, patch: &mut Value) {
    match maker.random.below(8) {
        0 => patch["metadata"]["labels"] = json!({"patched": TEXT, "app": maker.random.pick(&[Value::Null, json!("patched")])}),
        1 => patch["metadata"]["annotations"] = json!({"note": maker.random.pick(&[Value::Null, json!(ANY)]), "patched": ANY}),
        _ => match object.kind {
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
                patch["spec"] = json!({"template": {"spec": pod(maker)}});
                if maker.random.one_in(3) {
                    patch["spec"]["replicas"] = maker.random.pick(&[&json!(3), &json!(5)]).clone();
                }
                if maker.random.one_in(6) {
                    patch["spec"]["template"]["metadata"] = json!({"labels": {"patched": "p"}, "annotations": {"note": ANY}});
                }
            }
            "CronJob" => patch["spec"] = json!({"jobTemplate": {"spec": {"template": {"spec": pod(maker)}}}}),
            "Pod" => patch["spec"] = pod(maker),
            "ConfigMap" => patch["data"] = json!({"k": maker.random.pick(&[ANY, TEXT]), "new": TEXT, "n": null}),
            "Secret" => patch["stringData"] = json!({"s": TEXT, "t": ANY}),
            "Service" => patch["spec"] = maker.random.pick(&[
                &json!({"ports": [{"port": 80, "name": "web"}]}), &json!({"ports": [{"port": 90, "name": "more"}, {"$patch": "delete", "port": 443}]}),
                &json!({"selector": {"$patch": "replace", "other": "x"}}), &json!({"type": ANY, "selector": null}), &json!({"ports": [{"port": 443, "protocol": "TCP", "targetPort": ANY}]})]).clone(),
            "Ingress" => patch["spec"] = json!({"rules": [{"host": "b.example.com"}], "tls": null}),
            "Role" | "ClusterRole" => patch["rules"] = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]),
            "ServiceAccount" => patch["secrets"] = json!([{"name": maker.random.pick(&NAMES)}]),
            "ValidatingWebhookConfiguration" => patch["webhooks"] = json!([{"name": "a.example.com", "failurePolicy": "Ignore"}, {"name": "b.example.com"}]),
            _ => patch["spec"] = custom(maker),
        },
    }
}

fn pod(maker: &mut Maker<'_>) -> Value {
    let mut spec = json!({});
    for _ in 0..=maker.random.below(1) {
        match maker.random.below(9) {
            0..=3 => spec["containers"] = containers(maker),
            4 => spec["volumes"] = maker
                .random
                .pick(&[
                    &json!([{"name": "v0", "emptyDir": null, "hostPath": {"path": "/x"}}]),
                    &json!([{"name": "new", "emptyDir": {}}, {"name": "v1", "$patch": "delete"}]),
                ])
                .clone(),
            5 => spec["tolerations"] = json!([{"key": "p", "operator": "Exists"}]),
            6 => {
                spec["nodeSelector"] = maker
                    .random
                    .pick(&[
                        &json!({"disk": null}),
                        &json!({"zone": TEXT}),
                        &json!({"$patch": "delete"}),
                        &json!(null),
                    ])
                    .clone();
            }
            7 => {
                spec["initContainers"] = maker
                    .random
                    .pick(&[
                        &json!([{"name": "init", "$patch": "delete"}]),
                        &json!([{"name": "first", "image": "i"}]),
                        &json!([]),
                    ])
                    .clone();
            }
            _ => {
                spec["hostAliases"] =
                    json!([{"ip": "10.0.0.1", "hostnames": ["c"]}, {"ip": "10.0.0.2"}]);
            }
        }
    }
    spec
}

fn containers(maker: &mut Maker<'_>) -> Value {
    let called = maker.random.pick(&["main", "main", "side", "extra"]);
    let mut container = json!({"name": called});
    match maker.random.below(10) {
        0 => container["image"] = json!(maker.random.pick(&pods::IMAGES)),
        1 => container["env"] = json!([{"name": "A", "value": ANY}, {"name": "NEW", "value": ANY}]),
        2 => container["env"] = json!([{"name": "B", "$patch": "delete"}]),
        3 => {
            container["env"] = json!([{"name": "A", "value": null, "valueFrom": {"configMapKeyRef": {"name": maker.random.pick(&NAMES), "key": "k"}}}]);
        }
        4 => {
            container["ports"] = json!([{"containerPort": 80, "name": "patched"}, {"containerPort": 81, "protocol": "TCP"}]);
        }
        5 => container["args"] = json!(["patched", ANY]),
        6 => container["$patch"] = json!(maker.random.pick(&["delete", "replace", "merge"])),
        7 => container["resources"] = json!({"limits": {"cpu": null}, "requests": {"memory": ANY}}),
        8 => {
            container["volumeMounts"] = json!([{"mountPath": "/v0", "name": "v9"}, {"mountPath": "/v2", "name": "v2"}, {"mountPath": "/v1", "$patch": "delete"}]);
        }
        _ => container = pods::container(maker, called),
    }
    json!([container])
}

fn custom(maker: &mut Maker<'_>) -> Value {
    maker
        .random
        .pick(&[
            &json!({"text": ANY}),
            &json!({"list": [{"name": "b", "value": ANY}, {"name": "c"}]}),
            &json!({"deep": {"er": null}}),
            &json!({"deep": {"$patch": "replace", "x": ANY}}),
            &json!({"plain": [ANY]}),
            &json!({"deep": {"er": {"new": ANY, "still": null}}}),
            &json!({"list": null, "other": {}}),
            &json!({"list": [{"name": "a", "$patch": "delete"}]}),
            &json!({"ref": {"name": "web"}, "new": {"map": {"a": ANY}, "seq": [ANY, ANY]}}),
            &json!(null),
            &json!({"plain": [], "deep": {}}),
        ])
        .clone()
}

/// A list of JSON 6902 operations for an object.
pub(crate) fn json6902(maker: &mut Maker<'_>, object: &Object) -> Value {
    let operations: Vec<Value> =
        (0..=maker.random.below(2)).map(|_| operation(maker, object)).collect();
    Value::from(operations)
}

fn operation(maker: &mut Maker<'_>, object: &Object) -> Value {
    let random = &mut *maker.random;
    let general = [
        json!({"op": "add", "path": "/metadata/labels/new", "value": TEXT}),
        json!({"op": "add", "path": "/metadata/annotations/new", "value": TEXT}),
        json!({"op": "add", "path": "/metadata/annotations/example.com~1key", "value": TEXT}),
        json!({"op": "remove", "path": "/metadata/labels/app"}),
        json!({"op": "replace", "path": "/metadata/name", "value": random.pick(&NAMES)}),
        json!({"op": "test", "path": "/kind", "value": object.kind}),
        json!({"op": "add", "path": "/new", "value": {"map": ANY, "seq": [ANY, {"a": ANY}]}}),
        json!({"op": "add", "path": "/spec/extra", "value": ANY}),
    ];
    let workload = [
        json!({"op": "replace", "path": "/spec/replicas", "value": 7}),
        json!({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "p:1"}),
        json!({"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "added", "image": "x"}}),
        json!({"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "first"}}),
        json!({"op": "remove", "path": "/spec/template/spec/containers/1"}),
        json!({"op": "add", "path": "/spec/template/spec/containers/0/args", "value": [ANY, ANY]}),
        json!({"op": "copy", "from": "/spec/template/metadata", "path": "/spec/copied"}),
        json!({"op": "move", "from": "/spec/replicas", "path": "/spec/moved"}),
        json!({"op": "test", "path": "/spec/replicas", "value": 1}),
        json!({"op": "add", "path": "/spec/template/spec/containers/0/env/0", "value": {"name": "Z", "value": ANY}}),
        json!({"op": "remove", "path": "/spec/template/spec/containers/-1"}),
        json!({"op": "replace", "path": "/spec/template/spec/containers/0/args/1", "value": ANY}),
    ];
    let custom = [
        json!({"op": "replace", "path": "/spec/text", "value": ANY}),
        json!({"op": "add", "path": "/spec/list/-", "value": ANY}),
        json!({"op": "add", "path": "/spec/plain/1", "value": ANY}),
        json!({"op": "remove", "path": "/spec/list/0"}),
        json!({"op": "copy", "from": "/spec/list/0", "path": "/spec/list/-"}),
        json!({"op": "move", "from": "/spec/deep/er", "path": "/spec/deep/up"}),
        json!({"op": "add", "path": "/spec/deep/", "value": ANY}),
        json!({"op": "replace", "path": "/data/k", "value": ANY}),
        json!({"op": "add", "path": "/data/new.txt", "value": TEXT}),
        json!({"op": "remove", "path": "/data/n"}),
    ];
    let is_workload =
        matches!(object.kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet");
    let list: &[Value] = match random.below(3) {
        0 => &general,
        _ if is_workload => &workload,
        _ => &custom,
    };
    let found: Vec<&Value> = list.iter().filter(|operation| applies(operation, object)).collect();
    match found.is_empty() || random.one_in(30) {
        true => list[random.below(list.len())].clone(),
        false => found[random.below(found.len())].clone(),
    }
}

/// Does an object have what an operation is about?
fn applies(operation: &Value, object: &Object) -> bool {
    let text = |field: &str| operation[field].as_str().unwrap_or_default();
    let parent = text("path").rsplit_once('/').map_or("", |(parent, _)| parent);
    let from = object.has(text("from"));
    match text("op") {
        "add" | "copy" | "move" => object.has(parent) && from,
        _ => object.has(text("path")),
    }
}
