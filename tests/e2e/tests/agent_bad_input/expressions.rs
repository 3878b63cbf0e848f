//! Expressions decide when a dependency is ready and when an object is healthy.

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use futures::FutureExt;
use serde_json::json;

use crate::Named;
use crate::case::{Case, config_map, config_map_kind, unit_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("cel-dependency", dependency(stage).boxed()),
        ("cel-health", health(stage).boxed()),
        ("cel-invalid", invalid(stage).boxed()),
    ]
}

async fn dependency(stage: &Stage) -> Result<()> {
    let name = "cel-dependency";
    let case = Case::begin(stage, name, &[]).await?;
    let ready = "has(dep.metadata.labels) && dep.metadata.labels['stage'] == self.metadata.name";
    let neighbour = format!("{name}-neighbour");
    case.set_unit(json!({"dependsOn": [{"name": neighbour, "readyExpr": ready}]})).await?;
    let words = ["is not ready according to readyExpr eval"];
    case.refused("DependencyNotReady", &words).await?;
    let label = json!({"metadata": {"labels": {"stage": name}}});
    let cluster = &stage.management;
    cluster.merge(&unit_kind(), "flux-system", &neighbour, &label, "a-user").await?;
    case.ready_again().await
}

async fn health(stage: &Stage) -> Result<()> {
    let name = "cel-health";
    let case = Case::begin(stage, name, &[]).await?;
    let check = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "current": "data.value == 'good'", "failed": "data.value == 'broken'"});
    case.set_unit(json!({"wait": true, "timeout": "60s", "healthCheckExprs": [check]})).await?;
    case.ready_again().await?;
    let broken = config_map(name, "other", "broken");
    case.push(&[("other.yaml", Some(&broken))]).await?;
    let words = ["failed early due to stalled resources", "ConfigMap/cel-health/other"];
    case.not_ready(&unit_kind(), "HealthCheckFailed", &words).await?;
    let other = stage.management.get(&config_map_kind(), name, "other").await?;
    ensure!(other.is_some(), "what is unhealthy is applied nevertheless");
    let commit = case.push(&[("other.yaml", Some(&config_map(name, "other", "good")))]).await?;
    case.mended(&commit).await
}

async fn invalid(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "cel-invalid", &[]).await?;
    let check = json!({"apiVersion": "v1", "kind": "ConfigMap", "current": "data.value =="});
    case.set_unit(json!({"healthCheckExprs": [check]})).await?;
    let words = ["Reconciliation failed terminally due to configuration error", "healthchecks[0]"];
    case.refused("InvalidCELExpression", &words).await?;
    case.is_stalled(&unit_kind()).await?;
    case.set_unit(json!({"healthCheckExprs": null})).await?;
    case.ready_again().await
}
