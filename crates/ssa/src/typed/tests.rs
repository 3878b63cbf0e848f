use super::round_trip;
use serde_json::{Value, json};

fn printed(object: &Value) -> Value {
    round_trip(object).expect("a known kind").expect("it fits")
}

fn fault(object: &Value) -> String {
    round_trip(object).expect("a known kind").expect_err("it does not fit").to_string()
}

fn pod(container: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}})
}

fn container(container: &Value) -> Value {
    printed(&pod(container))["spec"]["containers"][0].take()
}

#[test]
fn fields_without_omitempty_and_structs_are_always_printed() {
    let claim = json!({"metadata": {"name": "a"}});
    let set = printed(&json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "spec": {"replicas": 0, "template": {}, "volumeClaimTemplates": [claim]}}));
    assert_eq!(
        set["spec"],
        json!({
            "replicas": 0,
            "selector": null,
            "serviceName": "",
            "template": {"metadata": {}, "spec": {"containers": null}},
            "updateStrategy": {},
            "volumeClaimTemplates": [{"metadata": {"name": "a"}, "spec": {"resources": {}}, "status": {}}],
        })
    );
    let rule = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "aggregationRule": {"clusterRoleSelectors": []}});
    assert_eq!(printed(&rule)["rules"], Value::Null);
}

#[test]
fn what_is_empty_or_unknown_is_not_printed() {
    let empty =
        json!({"name": "a", "image": "", "args": [], "command": null, "tty": false, "typo": 1});
    assert_eq!(container(&empty), json!({"name": "a", "resources": {}}));
    let config =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {}}, "data": {}});
    assert_eq!(printed(&config), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}));
    let immutable =
        json!({"apiVersion": "v1", "kind": "Secret", "immutable": false, "data": {"a": null}});
    assert_eq!(printed(&immutable)["immutable"], false);
    assert_eq!(printed(&immutable)["data"], json!({"a": null}));
}

#[test]
fn a_null_item_is_the_zero_value() {
    assert_eq!(container(&json!(null)), json!({"name": "", "resources": {}}));
    let env = json!({"name": "a", "env": [null, {"name": "b", "value": null}]});
    assert_eq!(container(&env)["env"], json!([{"name": ""}, {"name": "b"}]));
}

#[test]
fn quantities_become_canonical() {
    let limits = json!({"cpu": 0.5, "memory": "1024Mi", "example.org/gpu": null});
    let resources = container(&json!({"resources": {"limits": limits}}))["resources"].take();
    assert_eq!(
        resources["limits"],
        json!({"cpu": "500m", "memory": "1Gi", "example.org/gpu": "0"})
    );
}

#[test]
fn numbers_are_converted_as_go_does() {
    let port =
        |port: Value| container(&json!({"ports": [{"containerPort": port}]}))["ports"][0].take();
    for (written, read) in [(json!(80.0), 80), (json!(4_294_967_376_i64), 80), (json!(1e30), 0)] {
        assert_eq!(port(written.clone())["containerPort"], read, "{written}");
    }
    for odd in [json!(80.5), json!("80"), json!(true)] {
        let object = pod(&json!({"ports": [{"containerPort": odd}]}));
        assert_eq!(fault(&object), "spec.containers[0].ports[0].containerPort is not an integer");
    }
    let target = |target: Value| json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"targetPort": target}]}});
    assert_eq!(printed(&target(json!(80.0)))["spec"]["ports"][0]["targetPort"], 80);
    assert_eq!(printed(&target(json!("")))["spec"]["ports"][0]["targetPort"], "");
    for odd in [json!(2_147_483_648_i64), json!(1.5), json!(false), json!({})] {
        assert!(fault(&target(odd)).ends_with("targetPort is not an int32 or a string"));
    }
}

#[test]
fn other_shapes_are_faults() {
    for (object, expected) in [
        (pod(&json!("x")), "spec.containers[0] is not a map"),
        (pod(&json!({"args": "x"})), "spec.containers[0].args is not a list"),
        (pod(&json!({"args": [1]})), "spec.containers[0].args[0] is not a string"),
        (pod(&json!({"tty": "true"})), "spec.containers[0].tty is not a bool"),
        (
            pod(&json!({"resources": {"limits": []}})),
            "spec.containers[0].resources.limits is not a map",
        ),
        (
            pod(&json!({"resources": {"limits": {"cpu": "much"}}})),
            "spec.containers[0].resources.limits.cpu is not a quantity such as 500m, 1.5 or 2Gi",
        ),
        (json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "ä"}}), "data.a is not base64"),
        (json!({"apiVersion": "v1", "kind": "Secret", "metadata": []}), "metadata is not a map"),
    ] {
        assert_eq!(fault(&object), expected);
    }
}

#[test]
fn bytes_are_base64_however_they_are_broken() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "Y\nQ==\n", "b": [97, 98], "c": ""}});
    assert_eq!(printed(&secret)["data"], json!({"a": "YQ==", "b": "YWI=", "c": ""}));
}

#[test]
fn times_are_printed_in_utc() {
    let time = |time: &str| {
        let object =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": time}});
        round_trip(&object)
            .expect("known")
            .map(|mut pod| pod["metadata"]["creationTimestamp"].take())
    };
    for (written, read) in [
        ("2024-01-02T03:04:05Z", json!("2024-01-02T03:04:05Z")),
        ("2024-01-02T03:04:05.999+02:00", json!("2024-01-02T01:04:05Z")),
        ("1969-12-31T23:59:59.5Z", json!("1969-12-31T23:59:59Z")),
        ("0001-01-01T00:00:00Z", Value::Null),
    ] {
        assert_eq!(time(written), Ok(read), "{written}");
    }
    for odd in [
        "",
        "2024-01-02",
        "2024-02-30T00:00:00Z",
        "2024-01-02T03:04:60Z",
        "2024-01-02T03:04:05",
        "2024-01-02T03:04:05.Z",
    ] {
        assert!(time(odd).is_err(), "{odd}");
    }
    let lease = |time: &str| json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {"renewTime": time}});
    let renewed = printed(&lease("2024-01-02T03:04:05.120000+01:00"));
    assert_eq!(renewed["spec"]["renewTime"], "2024-01-02T02:04:05.120000Z");
    assert!(fault(&lease("2024-01-02T03:04:05Z")).starts_with("spec.renewTime is not a time"));
}

#[test]
fn raw_json_keeps_its_form() {
    let data = json!({"a": 1.0, "b": [{"c": 2.5}], "d": null});
    let object = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": data});
    assert_eq!(printed(&object)["data"], json!({"a": 1, "b": [{"c": 2.5}], "d": null}));
}

#[test]
fn kinds_are_known_by_their_version() {
    let known = |api_version: &str, kind: &str| {
        round_trip(&json!({"apiVersion": api_version, "kind": kind})).is_some()
    };
    for (api_version, kind) in [
        ("networking.k8s.io/v1", "Ingress"),
        ("policy/v1", "PodDisruptionBudget"),
        ("batch/v1beta1", "CronJob"),
    ] {
        assert!(known(api_version, kind), "{kind}");
    }
    for (api_version, kind) in [
        ("v2", "Pod"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("v1", "PodList"),
        ("", ""),
        ("apps/v1/x", "Deployment"),
    ] {
        assert!(!known(api_version, kind), "{kind}");
    }
    assert!(round_trip(&json!([])).is_none());
    assert!(round_trip(&json!({"apiVersion": 1, "kind": null})).is_none());
}
