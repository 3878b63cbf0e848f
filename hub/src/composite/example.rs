//! The example fleet's own Composition, rendered as the hub renders it.

use std::collections::BTreeMap;

use capstan_compose::composition::Composition;
use capstan_compose::configure;
use capstan_compose::render::{Blocked, Input, Observed, Rendered, render};
use capstan_compose::xrd::Xrd;
use capstan_model::Manifest;
use serde_json::{Value, json};

macro_rules! example {
    ($path:literal) => {
        include_str!(concat!("../../../examples/fleet/", $path))
    };
}

fn read(text: &str) -> Manifest {
    let mut documents = capstan_yaml::read(text, "example").expect("YAML");
    let mut value = documents.remove(0);
    value["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555".into();
    Manifest::try_from(value).expect("an object")
}

fn composition() -> Composition {
    let text = example!("gitops-system/tools-config/eks-composition/composition.yaml");
    Composition::parse(&read(text)).expect("valid")
}

fn composite() -> Manifest {
    read(example!("gitops-system/clusters-config/commercial-staging/cluster/eks-cluster.yaml"))
}

fn pass(composite: &Manifest, observed: &BTreeMap<String, Observed>) -> Rendered {
    let mut count = 0;
    render(Input {
        composite,
        composition: &composition(),
        observed,
        environment: &Value::Null,
        schema: &|_| None,
        new_name: &mut |prefix| {
            count += 1;
            format!("{prefix}{count:05}")
        },
    })
    .expect("renders")
}

/// What AWS would say of a child.
fn at_provider(template: &str) -> Value {
    match template {
        "vpc" => json!({"ownerId": "123456789012"}),
        "cluster" => json!({
            "arn": "arn:aws:eks:eu-central-1:123456789012:cluster/commercial-staging",
            "identity": {"oidc": {"issuer": "https://oidc.example.com/id/1"}},
        }),
        "remote-namespace" => json!({"manifest": {"metadata": {"name": "flux-system"}}}),
        _ => json!({}),
    }
}

/// The children as they are after they were applied and became ready.
fn applied(rendered: &Rendered) -> BTreeMap<String, Observed> {
    let exist = rendered.children.iter().filter_map(|child| {
        let mut object = child.desired.as_ref().ok()?.clone();
        object.set_name(&child.name);
        object.set_annotation("crossplane.io/external-name", &child.name);
        object.value_mut()["status"] = json!({
            "atProvider": at_provider(&child.template),
            "conditions": [{"type": "Ready", "status": "True", "reason": "Available",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        });
        let connection = BTreeMap::new();
        Some((child.template.clone(), Observed { object, connection }))
    });
    exist.collect()
}

#[test]
fn the_example_settles_in_one_more_pass_than_its_longest_chain() {
    let mut composite = composite();
    if let Some(configured) = configure::configure(&composite, &composition()) {
        composite = configured;
    }
    let first = pass(&composite, &BTreeMap::new());
    let blocked: Vec<_> = first
        .children
        .iter()
        .filter(|child| child.desired.is_err())
        .map(|child| child.template.as_str())
        .collect();
    let late = ["oidc-provider", "cluster-info", "remote-namespace", "remote-cluster-info"];
    assert_eq!(blocked, late, "they wait for the account, the issuer, the namespace");
    assert!(
        first.children.iter().filter_map(|c| c.desired.as_ref().err()).all(Blocked::is_waiting)
    );
    assert_eq!(first.children.len(), 20);
    assert!(first.resource_refs.iter().all(|reference| !reference.name.is_empty()));

    let second = pass(&composite, &applied(&first));
    assert!(second.errors.is_empty(), "{:?}", second.errors);
    let status = &second.composite.value()["status"];
    assert_eq!(status["oidcProvider"], "oidc.example.com/id/1");
    let third = pass(&composite, &applied(&second));
    let info = third.children.iter().find(|child| child.template == "remote-cluster-info");
    let info = info.expect("there").desired.as_ref().expect("no longer blocked");
    assert_eq!(
        info.value()["spec"]["forProvider"]["manifest"]["metadata"]["namespace"],
        "flux-system"
    );
    let data = &info.value()["spec"]["forProvider"]["manifest"]["data"];
    let expected = json!({
        "ACCOUNT_ID": "123456789012",
        "AWS_REGION": "eu-central-1",
        "CLUSTER_ARN": "arn:aws:eks:eu-central-1:123456789012:cluster/commercial-staging",
        "CLUSTER_NAME": "commercial-staging",
        "OIDC_PROVIDER": "oidc.example.com/id/1",
    });
    assert_eq!(*data, expected);
    let fourth = pass(&composite, &applied(&third));
    assert!(fourth.is_ready(), "{}", fourth.unready());
}

#[test]
fn the_names_that_others_rely_on_are_those_of_the_composite() {
    let first = pass(&composite(), &BTreeMap::new());
    let second = pass(&composite(), &applied(&first));
    let name = |template: &str| {
        let child = second.children.iter().find(|child| child.template == template);
        child.expect("there").name.clone()
    };
    assert_eq!(name("cluster"), "commercial-staging");
    assert_eq!(name("oidc-provider"), "commercial-staging-oidc");
    assert_eq!(name("remote-provider"), "commercial-staging");
    let cluster = &second.children.iter().find(|child| child.template == "cluster");
    let cluster = cluster.expect("there").desired.as_ref().expect("rendered");
    let node = second.children.iter().find(|child| child.template == "node-group");
    let node = node.expect("there").desired.as_ref().expect("rendered").value().clone();
    assert_eq!(node["spec"]["forProvider"]["instanceTypes"], json!(["m6i.large"]));
    assert_eq!(node["spec"]["forProvider"]["scalingConfig"]["desiredSize"], 2);
    let secret = &cluster.value()["spec"]["writeConnectionSecretToRef"];
    let config = second.children.iter().find(|child| child.template == "remote-provider");
    let config = config.expect("there").desired.as_ref().expect("rendered").value().clone();
    assert_eq!(config["spec"]["credentials"]["secretRef"]["name"], secret["name"]);
}

#[test]
fn the_claim_of_the_example_fits_its_xrd() {
    let text = example!("gitops-system/tools-config/eks-composition/definition.yaml");
    let xrd = Xrd::parse(&read(text)).expect("valid");
    let claim = read(example!("extras/claim.yaml"));
    assert_eq!(Some(claim.gvk()), xrd.claim_gvk());
    assert_eq!(composite().gvk(), xrd.composite_gvk());
    let mut name = |prefix: &str| format!("{prefix}x");
    let synced = capstan_compose::claim::sync(&claim, None, &xrd, &mut name).expect("syncs");
    assert_eq!(synced.composite.name(), "sandbox-x");
    let rendered = pass(&synced.composite, &BTreeMap::new());
    assert_eq!(rendered.children.len(), 20);
}
