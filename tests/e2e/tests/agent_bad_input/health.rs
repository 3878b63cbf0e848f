//! What is applied and does not become healthy.

use anyhow::{Result, ensure};
use capstan_e2e::look::{find_condition, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_model::Manifest;
use futures::FutureExt;
use serde_json::json;

use crate::Named;
use crate::case::{Case, SOON, deployment, unit_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("health-image", image(stage).boxed()),
        ("health-absent", absent(stage).boxed()),
        ("health-unknown-kind", unknown_kind(stage).boxed()),
        ("health-blind", blind(stage).boxed()),
    ]
}

const REASON: &str = "HealthCheckFailed";

async fn unhealthy(case: &Case<'_>, words: &[&str]) -> Result<()> {
    case.refused(REASON, words).await?;
    let unit = case.get(&unit_kind()).await?;
    let healthy = find_condition(&unit, "Healthy");
    let is_false = healthy.is_some_and(|c| c["status"] == "False" && c["reason"] == REASON);
    ensure!(is_false, "the condition Healthy is {healthy:?}");
    Ok(())
}

async fn image(stage: &Stage) -> Result<()> {
    let name = "health-image";
    let good = deployment(name, "web", "nginx:1", "web");
    let case = Case::begin(stage, name, &[("web.yaml", &good)]).await?;
    case.set_unit(json!({"wait": true, "timeout": "3s"})).await?;
    case.ready_again().await?;
    let bad = deployment(name, "web", "nginx:fails", "web");
    let commit = case.push(&[("web.yaml", Some(&bad))]).await?;
    let says = &[
        "health check failed after",
        "Deployment/health-image/web",
        "InProgress",
        "Pod/health-image/web-",
        "ImagePullBackOff",
        "nginx:fails",
    ];
    unhealthy(&case, says).await?;
    case.neighbour_follows(&commit).await?;
    let commit = case.push(&[("web.yaml", Some(&good))]).await?;
    case.mended(&commit).await
}

async fn absent(stage: &Stage) -> Result<()> {
    let name = "health-absent";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(json!({"timeout": "1s", "healthChecks": [{"apiVersion": "apps/v1",
        "kind": "Deployment", "name": "late", "namespace": name}]}))
        .await?;
    unhealthy(&case, &["timeout waiting for", "Deployment/health-absent/late", "NotFound"]).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    // Somebody brings it: the unit sees it come.
    stage.apply(&deployment(name, "late", "nginx:1", "late")).await?;
    case.mended(&commit).await
}

async fn unknown_kind(stage: &Stage) -> Result<()> {
    let name = "health-unknown-kind";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(json!({"timeout": "1s", "healthChecks": [{"apiVersion": "absent.example.com/v1",
        "kind": "Absent", "name": "one", "namespace": name}]}))
        .await?;
    unhealthy(&case, &["timeout waiting for", "Absent/health-unknown-kind/one"]).await?;
    case.set_unit(json!({"healthChecks": null})).await?;
    case.follows_again().await
}

/// A service account that may get and not list: the wait ends all the same, and nobody else is blinded.
async fn blind(stage: &Stage) -> Result<()> {
    let name = "health-blind";
    let case = Case::begin(stage, name, &[]).await?;
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": name, "namespace": name},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"],
            "verbs": ["get", "create", "patch", "delete"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE}});
    stage.apply(&format!("{role}\n---\n{binding}\n---\n{account}")).await?;
    case.set_unit(json!({"serviceAccountName": name, "wait": true, "timeout": "2s"})).await?;
    case.ready_again().await?;
    // The neighbour looks at objects of the same kind and namespace, as the agent itself.
    let neighbour = "health-blind-neighbour";
    let cluster = &stage.management;
    let patch = json!({"spec": {"wait": true, "timeout": "2s"}});
    cluster.merge(&unit_kind(), NAMESPACE, neighbour, &patch, "a-user").await?;
    let passed = |unit: &Manifest| {
        find_condition(unit, "Healthy").is_some_and(|healthy| healthy["status"] == "True")
    };
    wait_for(cluster, &unit_kind(), (NAMESPACE, neighbour), SOON, passed).await?;
    case.set_unit(json!({"serviceAccountName": null})).await?;
    case.follows_again().await
}
