//! The specification of a pod.

use serde_json::{Value, json};

use super::Maker;
use super::objects::{NAMES, name};
use super::scalars::{ANY, TEXT};

pub(crate) const CONTAINERS: [&str; 3] = ["main", "side", "init"];
pub(crate) const IMAGES: [&str; 8] = [
    "nginx",
    "nginx:1.2",
    "reg.example.com/team/app:v1",
    "reg.example.com:5000/app",
    "app@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
    "busybox:1.36@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
    "foo/nginx",
    "nginx-extra:2",
];

pub(crate) fn spec(maker: &mut Maker<'_>) -> Value {
    let count = 1 + maker.random.below(2);
    let containers: Vec<Value> = (0..count).map(|at| container(maker, CONTAINERS[at])).collect();
    let mut spec = json!({ "containers": containers });
    let random = &mut *maker.random;
    if random.one_in(4) {
        spec["initContainers"] = json!([container(maker, "init")]);
    }
    let random = &mut *maker.random;
    if random.one_in(3) {
        let volumes: Vec<Value> = (0..=random.below(2)).map(|at| volume(maker, at)).collect();
        spec["volumes"] = Value::from(volumes);
    }
    let random = &mut *maker.random;
    if random.one_in(4) {
        spec["serviceAccountName"] = json!(random.pick(&NAMES));
    }
    if random.one_in(6) {
        spec["imagePullSecrets"] = json!([{"name": random.pick(&NAMES)}]);
    }
    if random.one_in(6) {
        spec["tolerations"] =
            json!([{"key": "k", "operator": "Exists"}, {"key": "l", "effect": "NoSchedule"}]);
    }
    if random.one_in(6) {
        spec["nodeSelector"] = json!({"disk": TEXT});
    }
    if random.one_in(8) {
        spec["affinity"] = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm":
            {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}}}]}});
    }
    if random.one_in(8) {
        spec["topologySpreadConstraints"] = json!([{"maxSkew": 1, "topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}}]);
    }
    if random.one_in(8) {
        spec["hostAliases"] = json!([{"ip": "10.0.0.1", "hostnames": ["a", "b"]}]);
    }
    spec
}

pub(crate) fn container(maker: &mut Maker<'_>, called: &str) -> Value {
    let random = &mut *maker.random;
    let mut container = json!({"name": called, "image": random.pick(&IMAGES)});
    if random.one_in(2) {
        let env: Vec<Value> = (0..=random.below(3)).map(|at| variable(maker, at)).collect();
        container["env"] = Value::from(env);
    }
    let random = &mut *maker.random;
    if random.one_in(4) {
        container["envFrom"] = json!([{"configMapRef": {"name": random.pick(&NAMES)}}, {"secretRef": {"name": random.pick(&NAMES)}, "prefix": "P_"}]);
    }
    if random.one_in(3) {
        container["ports"] = match random.below(3) {
            0 => json!([{"containerPort": 80}]),
            1 => {
                json!([{"containerPort": 80, "name": "http"}, {"containerPort": 80, "protocol": "UDP"}])
            }
            _ => json!([{"name": "http", "containerPort": 8080, "protocol": "TCP"}]),
        };
    }
    if random.one_in(3) {
        container["args"] = json!(["--x=$(VAR)", ANY, "$(APP)/y"]);
    }
    if random.one_in(4) {
        container["resources"] =
            json!({"limits": {"cpu": ANY, "memory": "1Gi"}, "requests": {"cpu": "100m"}});
    }
    if random.one_in(4) {
        container["volumeMounts"] = json!([{"name": "v0", "mountPath": "/v0"}, {"name": "v1", "mountPath": "/v1", "readOnly": true}]);
    }
    if random.one_in(8) {
        container["livenessProbe"] =
            json!({"httpGet": {"path": "/", "port": "http"}, "periodSeconds": ANY});
    }
    container
}

fn variable(maker: &mut Maker<'_>, at: usize) -> Value {
    let called = ["A", "B", "C", "VAR"][at.min(3)];
    let key = maker.random.pick(&["k", "key.txt"]);
    match maker.random.below(6) {
        0 => {
            json!({"name": called, "valueFrom": {"configMapKeyRef": {"name": name(maker), "key": key}}})
        }
        1 => {
            json!({"name": called, "valueFrom": {"secretKeyRef": {"name": name(maker), "key": key, "optional": true}}})
        }
        2 => json!({"name": called, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        3 => json!({"name": called, "value": "$(APP):$(VAR) $$(APP)"}),
        _ => json!({"name": called, "value": ANY}),
    }
}

fn volume(maker: &mut Maker<'_>, at: usize) -> Value {
    let called = format!("v{at}");
    match maker.random.below(6) {
        0 => {
            json!({"name": called, "configMap": {"name": name(maker), "items": [{"key": "k", "path": "p"}]}})
        }
        1 => json!({"name": called, "secret": {"secretName": name(maker)}}),
        2 => json!({"name": called, "persistentVolumeClaim": {"claimName": name(maker)}}),
        3 => {
            json!({"name": called, "projected": {"sources": [{"configMap": {"name": name(maker)}}, {"secret": {"name": name(maker)}}]}})
        }
        4 => json!({"name": called, "emptyDir": {}}),
        _ => json!({"name": called, "hostPath": {"path": "/tmp"}}),
    }
}
