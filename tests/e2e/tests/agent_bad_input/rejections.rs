//! What builds and the API server refuses.

use anyhow::{Context, Result, ensure};
use capstan_cluster::ApplyOptions;
use capstan_e2e::look::{kind, text};
use capstan_e2e::stage::{Stage, read};
use futures::FutureExt;
use serde_json::json;

use crate::Named;
use crate::case::{Case, SOON, config_map, deployment, deployment_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("reject-schema", schema(stage).boxed()),
        ("reject-several", several(stage).boxed()),
        ("reject-immutable", immutable(stage).boxed()),
        ("reject-forced-invalid", forced_invalid(stage).boxed()),
        ("reject-forced-denied", forced_denied(stage).boxed()),
        ("reject-unknown-kind", unknown_kind(stage).boxed()),
        ("reject-no-namespace", no_namespace(stage).boxed()),
        ("reject-admission", admission(stage).boxed()),
    ]
}

const REASON: &str = "ReconciliationFailed";

async fn schema(stage: &Stage) -> Result<()> {
    let name = "reject-schema";
    let case = Case::begin(stage, name, &[]).await?;
    let bad = deployment(name, "web", "nginx:1", "web")
        .replace("\"replicas\":1", "\"replicas\":\"many\"");
    let commit = case.push(&[("web.yaml", Some(&bad))]).await?;
    case.refused(REASON, &["Deployment/reject-schema/web", "replicas"]).await?;
    case.neighbour_follows(&commit).await?;
    let good = deployment(name, "web", "nginx:1", "web");
    let commit = case.push(&[("web.yaml", Some(&good))]).await?;
    case.mended(&commit).await
}

/// All that is refused is named at once; what is not refused is applied.
async fn several(stage: &Stage) -> Result<()> {
    let name = "reject-several";
    let case = Case::begin(stage, name, &[]).await?;
    let bad = |object: &str| config_map(name, object, "x").replace("\"x\"", "7");
    let files =
        [("a.yaml", bad("a")), ("b.yaml", bad("b")), ("c.yaml", config_map(name, "c", "x"))];
    let pushed: Vec<_> = files.iter().map(|(path, text)| (*path, Some(&**text))).collect();
    case.push(&pushed).await?;
    case.refused(REASON, &["ConfigMap/reject-several/a", "ConfigMap/reject-several/b"]).await?;
    let applied = stage.management.get(&crate::case::config_map_kind(), name, "c").await?;
    ensure!(applied.is_some(), "c was not applied beside what was refused");
    let commit = case.push(&[("a.yaml", None), ("b.yaml", None)]).await?;
    case.mended(&commit).await
}

async fn immutable(stage: &Stage) -> Result<()> {
    let name = "reject-immutable";
    let first = deployment(name, "web", "nginx:1", "one");
    let case = Case::begin(stage, name, &[("web.yaml", &first)]).await?;
    let before = uid(&case).await?;
    let other = deployment(name, "web", "nginx:1", "two");
    let commit = case.push(&[("web.yaml", Some(&other))]).await?;
    let says =
        &["Deployment/reject-immutable/web", "immutable", "spec.selector", "spec.force: true"];
    case.refused(REASON, says).await?;
    ensure!(uid(&case).await? == before, "it was replaced without force");
    case.neighbour_follows(&commit).await?;
    case.set_unit(json!({"force": true})).await?;
    case.mended(&commit).await?;
    ensure!(uid(&case).await? != before, "it was not recreated");
    Ok(())
}

async fn uid(case: &Case<'_>) -> Result<String> {
    let live = case.stage.management.get(&deployment_kind(), case.name, "web").await?;
    Ok(live.context("the Deployment is gone")?.uid().to_owned())
}

/// Force recreates what may be recreated; it never deletes what could not come back.
async fn forced_invalid(stage: &Stage) -> Result<()> {
    let name = "reject-forced-invalid";
    let good = deployment(name, "web", "nginx:1", "one");
    let case = Case::begin(stage, name, &[("web.yaml", &good)]).await?;
    case.set_unit(json!({"force": true})).await?;
    case.ready_again().await?;
    let before = uid(&case).await?;
    for bad in [
        good.replace("\"replicas\":1", "\"replicas\":-1"),
        deployment(name, "web", "nginx:1", "two").replace("\"replicas\":1", "\"replicas\":-1"),
    ] {
        let commit = case.push(&[("web.yaml", Some(&bad))]).await?;
        case.refused(REASON, &["Deployment/reject-forced-invalid/web", "spec.replicas"]).await?;
        case.neighbour_follows(&commit).await?;
        ensure!(uid(&case).await? == before, "the good one was deleted for a bad one");
    }
    let commit = case.push(&[("web.yaml", Some(&good))]).await?;
    case.mended(&commit).await
}

/// A policy that refuses ConfigMaps with a certain value in one namespace, once it is in force.
async fn policy(stage: &Stage, namespace: &str) -> Result<()> {
    let group = "admissionregistration.k8s.io/v1";
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"]});
    let policy = json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.data.value != 'forbidden'",
                "message": "this value is against the rules of the house"}]}});
    let binding = json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"], "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}}});
    stage.apply(&format!("{policy}\n---\n{binding}")).await?;
    let object = read(&config_map(namespace, "probe", "forbidden"))?.remove(0);
    let options = ApplyOptions { field_manager: "a-user", force: true, dry_run: true };
    capstan_kit::wait_until("the policy to be in force", SOON, || async {
        match stage.management.apply(&object, options).await {
            Ok(_) => Err("not refused yet"),
            Err(_) => Ok(()),
        }
    })
    .await?;
    Ok(())
}

async fn admission(stage: &Stage) -> Result<()> {
    let name = "reject-admission";
    let case = Case::begin(stage, name, &[]).await?;
    policy(stage, name).await?;
    let bad = config_map(name, "judged", "forbidden");
    let commit = case.push(&[("judged.yaml", Some(&bad))]).await?;
    let says = &[
        "ConfigMap/reject-admission/judged",
        "ValidatingAdmissionPolicy 'reject-admission'",
        "this value is against the rules of the house",
    ];
    case.refused(REASON, says).await?;
    case.neighbour_follows(&commit).await?;
    let good = config_map(name, "judged", "allowed");
    let commit = case.push(&[("judged.yaml", Some(&good))]).await?;
    case.mended(&commit).await
}

/// A denial is no reason to recreate: the new one would be denied too.
async fn forced_denied(stage: &Stage) -> Result<()> {
    let name = "reject-forced-denied";
    let good = config_map(name, "judged", "allowed");
    let case = Case::begin(stage, name, &[("judged.yaml", &good)]).await?;
    case.set_unit(json!({"force": true})).await?;
    case.ready_again().await?;
    policy(stage, name).await?;
    let bad = config_map(name, "judged", "forbidden");
    let commit = case.push(&[("judged.yaml", Some(&bad))]).await?;
    case.refused(REASON, &["ConfigMap/reject-forced-denied/judged", "rules of the house"]).await?;
    case.neighbour_follows(&commit).await?;
    let live = stage.management.get(&crate::case::config_map_kind(), name, "judged").await?;
    let value = text(&live.context("the good one was deleted for a denied one")?, "/data/value");
    ensure!(value == "allowed", "{value}");
    let commit = case.push(&[("judged.yaml", Some(&good))]).await?;
    case.mended(&commit).await
}

async fn unknown_kind(stage: &Stage) -> Result<()> {
    let name = "reject-unknown-kind";
    let case = Case::begin(stage, name, &[]).await?;
    let gadget = json!({"apiVersion": "bad-input.example.com/v1", "kind": "Gadget",
        "metadata": {"name": "one", "namespace": name}});
    let commit = case.push(&[("gadget.yaml", Some(&gadget.to_string()))]).await?;
    let says = &[
        "Gadget/reject-unknown-kind/one",
        "no matches for kind \"Gadget\"",
        "bad-input.example.com/v1",
        "CRD",
    ];
    case.refused(REASON, says).await?;
    case.neighbour_follows(&commit).await?;
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.bad-input.example.com"},
        "spec": {"group": "bad-input.example.com", "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
    let commit = case.push(&[("crd.yaml", Some(&crd.to_string()))]).await?;
    case.mended(&commit).await?;
    let gvk = kind("bad-input.example.com/v1", "Gadget");
    let live = stage.management.get(&gvk, name, "one").await?;
    ensure!(live.is_some(), "ready without the Gadget");
    Ok(())
}

async fn no_namespace(stage: &Stage) -> Result<()> {
    let name = "reject-no-namespace";
    let case = Case::begin(stage, name, &[]).await?;
    let lost = config_map("no-such-namespace", "lost", "x");
    let commit = case.push(&[("lost.yaml", Some(&lost))]).await?;
    let says = &[
        "ConfigMap/no-such-namespace/lost",
        "\"no-such-namespace\" not found",
        "Create the namespace",
    ];
    case.refused(REASON, says).await?;
    case.neighbour_follows(&commit).await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "no-such-namespace"}});
    let commit = case.push(&[("namespace.yaml", Some(&namespace.to_string()))]).await?;
    case.mended(&commit).await
}
