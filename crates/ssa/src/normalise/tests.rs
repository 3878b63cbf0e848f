use super::{normalise, normalise_all, normalise_dry_run};
use serde_json::{Value, json};

fn normalised(mut object: Value) -> Value {
    normalise(&mut object);
    object
}

#[test]
fn ports_of_every_workload_get_a_protocol() {
    let spec = || {
        json!({
            "initContainers": [{"name": "i", "ports": [{"containerPort": 1}]}],
            "containers": [{"name": "a", "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]}],
        })
    };
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        let object = normalised(
            json!({"apiVersion": "apps/v1", "kind": kind, "spec": {"template": {"spec": spec()}}}),
        );
        let spec = &object["spec"]["template"]["spec"];
        let protocols = [
            &spec["containers"][0]["ports"][0]["protocol"],
            &spec["containers"][0]["ports"][1]["protocol"],
        ];
        assert_eq!(protocols, ["UDP", "TCP"], "{kind}");
        assert_eq!(spec["initContainers"][0]["ports"], json!([{"containerPort": 1}]), "{kind}");
    }
    let service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 1, "protocol": ""}]}});
    assert_eq!(
        normalised(service)["spec"]["ports"],
        json!([{"port": 1, "protocol": "TCP", "targetPort": 0}])
    );
}

#[test]
fn an_older_version_of_a_workload_is_only_printed() {
    let spec = json!({"containers": [{"name": "a", "ports": [{"containerPort": 1}]}]});
    let object = json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "spec": {"template": {"spec": spec}}});
    let ports = normalised(object)["spec"]["template"]["spec"]["containers"][0]["ports"].take();
    assert_eq!(ports, json!([{"containerPort": 1}]));
}

#[test]
fn string_data_wins_over_data() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ==", "b": "Yg=="},
        "stringData": {"b": "c", "d": null}});
    assert_eq!(
        normalised(secret),
        json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"creationTimestamp": null}, "data": {"a": "YQ==", "b": "Yw==", "d": ""}})
    );
}

#[test]
fn what_does_not_fit_keeps_its_form() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"n": 1}});
    let mut expected = secret.clone();
    expected["metadata"]["creationTimestamp"] = Value::Null;
    assert_eq!(normalised(secret), expected);
    let odd = json!({"apiVersion": "v1", "kind": "Pod", "metadata": "x", "status": {}});
    assert_eq!(normalised(odd), json!({"apiVersion": "v1", "kind": "Pod", "metadata": "x"}));
    assert_eq!(normalised(json!(3)), json!(3));
}

#[test]
fn only_a_crd_keeps_its_status() {
    let object = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind, "status": {"a": 1}});
    let crd = normalised(object("apiextensions.k8s.io/v1", "CustomResourceDefinition"));
    assert_eq!(crd["status"], json!({"a": 1}));
    let custom = normalised(object("example.org/v1", "Bucket"));
    assert_eq!(
        custom,
        json!({"apiVersion": "example.org/v1", "kind": "Bucket", "metadata": {"creationTimestamp": null}})
    );
}

#[test]
fn roles_are_left_alone_among_others() {
    let role = |kind: &str| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "a"}});
    let mut objects = [role("Role"), role("ClusterRole"), role("RoleBinding")];
    normalise_all(&mut objects);
    assert_eq!(&objects[..2], [role("Role"), role("ClusterRole")]);
    assert_eq!(objects[2]["roleRef"], json!({"apiGroup": "", "kind": "", "name": ""}));
}

#[test]
fn a_dry_run_loses_its_doubled_metrics() {
    let metric = |name: &str| json!({"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization"}}});
    let scaler = |metrics: Value| json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
    let metrics = |metrics: Value| {
        let mut object = scaler(metrics);
        normalise_dry_run(&mut object).expect("it fits");
        object["spec"].get("metrics").cloned()
    };
    let doubled = json!([metric("cpu"), metric("memory"), metric("cpu"), {}]);
    assert_eq!(metrics(doubled), Some(json!([metric("cpu"), metric("memory")])));
    assert_eq!(metrics(json!([{}])), None);
    assert!(normalise_dry_run(&mut scaler(json!(3))).is_err());
    assert!(
        normalise_dry_run(&mut json!({"apiVersion": "x/v1", "kind": "HorizontalPodAutoscaler"}))
            .is_err()
    );
    let mut other = json!({"apiVersion": "v1", "kind": "Pod"});
    assert_eq!(normalise_dry_run(&mut other), Ok(()));
    assert_eq!(other, json!({"apiVersion": "v1", "kind": "Pod"}));
}
