//! Compositions that cannot be used: the composite says why, and what can be made of it is made.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::condition;
use capstan_e2e::network;
use capstan_e2e::stage::Stage;
use serde_json::{Value, json};

use crate::objects::with;

pub(crate) async fn all(stage: &Stage) -> Result<()> {
    for composition in compositions() {
        stage.put(composition).await?;
    }
    let composites = network::composites();
    let made_by = |name: &str, third: u8| {
        let composite = network::composite(name, &format!("10.80.{third}.0/24"));
        with(composite, "/spec/compositionRef", json!({"name": name}))
    };
    let cases: [(&str, &[&str]); 6] = [
        ("absent", &["Composition `absent` does not exist: create it, or name another one"]),
        ("foreign", &["Composition `foreign` is for", "not for"]),
        ("unserved", &["FlowLog"]),
        ("keyless", &["template `role`", "small"]),
        ("matchless", &["template `role`", "`spec.parameters.cidr`", "had no matches"]),
        ("typo", &["template `role`", "cannot parse path `spec.parameters[size`"]),
    ];
    for (third, (name, _)) in cases.iter().enumerate() {
        stage.put(made_by(name, u8::try_from(third)?)).await?;
    }
    stage.put(made_by("demanding", 9)).await?;
    for (name, words) in cases {
        let told = ("Synced", "False", "ReconcileError", words);
        stage.told(&composites, name, told).await.context(name)?;
    }
    // Whoever waits for a value of the user is not broken: it says which.
    let words = ["role", "spec.parameters.owner"];
    let told = ("Ready", "False", "Creating", &words[..]);
    let waiting = stage.told(&composites, "demanding", told).await?;
    ensure!(condition(&waiting, "Synced"), "{:?}", waiting.value()["status"]);
    // The other children of a composite with a fault are made.
    for name in ["unserved", "keyless", "matchless", "demanding"] {
        stage.ready(&network::vpc(), name).await.context(name)?;
    }
    let given = with(made_by("demanding", 9), "/spec/parameters/owner", json!("team-a"));
    stage.put(given).await?;
    stage.ready(&composites, "demanding").await?;
    stage.put(broken_role("keyless", &mapped("small"))).await?;
    stage.ready(&composites, "keyless").await?;
    for (name, _) in cases.into_iter().chain([("demanding", &[][..])]) {
        stage.delete(&composites, name).await?;
        stage.gone(&composites, name).await.context(name)?;
    }
    Ok(())
}

fn compositions() -> [Value; 6] {
    let matched = json!({"fromFieldPath": "spec.parameters.cidr",
        "toFieldPath": "spec.forProvider.description",
        "transforms": [{"type": "string", "string":
            {"type": "Regexp", "regexp": {"match": "^192[.].*$"}}}]});
    let demanding = json!({"fromFieldPath": "spec.parameters.owner",
        "toFieldPath": "spec.forProvider.description",
        "policy": {"fromFieldPath": "Required"}});
    let typo = json!({"fromFieldPath": "spec.parameters[size",
        "toFieldPath": "spec.forProvider.description"});
    let log = json!({"name": "log", "base": {
        "apiVersion": "ec2.aws.crossplane.io/v1alpha1", "kind": "FlowLog",
        "spec": {"forProvider": {}}}});
    [
        composition("foreign", "XOther", &json!([vpc()])),
        composition("unserved", "XNetwork", &json!([vpc(), log])),
        broken_role("keyless", &mapped("large")),
        broken_role("matchless", &matched),
        broken_role("demanding", &demanding),
        broken_role("typo", &typo),
    ]
}

fn mapped(key: &str) -> Value {
    json!({"fromFieldPath": "spec.parameters.size",
        "toFieldPath": "spec.forProvider.description",
        "transforms": [{"type": "map", "map": {key: "a size"}}]})
}

fn composition(name: &str, kind: &str, resources: &Value) -> Value {
    json!({"apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition",
        "metadata": {"name": name},
        "spec": {"compositeTypeRef": {"apiVersion": "test.example.com/v1alpha1", "kind": kind},
            "resources": resources}})
}

fn named() -> Value {
    json!({"fromFieldPath": "metadata.name", "toFieldPath": "metadata.name"})
}

fn vpc() -> Value {
    json!({"name": "vpc", "base": {"apiVersion": "ec2.aws.crossplane.io/v1beta1", "kind": "VPC",
            "spec": {"forProvider": {"region": network::REGION}}},
        "patches": [named(), {"fromFieldPath": "spec.parameters.cidr",
            "toFieldPath": "spec.forProvider.cidrBlock"}]})
}

/// A VPC, and a role with a patch of its own.
fn broken_role(name: &str, patch: &Value) -> Value {
    let spec = json!({"forProvider": {"assumeRolePolicyDocument": crate::objects::TRUST}});
    let role = json!({"name": "role",
        "base": {"apiVersion": "iam.aws.crossplane.io/v1beta1", "kind": "Role", "spec": spec},
        "patches": [named(), patch]});
    composition(name, "XNetwork", &json!([vpc(), role]))
}
