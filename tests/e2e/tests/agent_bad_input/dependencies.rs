//! Dependencies that cannot come true.

use anyhow::Result;
use capstan_e2e::stage::Stage;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{Case, unit_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("depends-cycle", cycle(stage).boxed()),
        ("depends-self", on_itself(stage).boxed()),
        ("depends-absent", absent(stage).boxed()),
        ("depends-expression", expression(stage).boxed()),
    ]
}

const REASON: &str = "DependencyNotReady";

fn on(name: &str) -> Value {
    json!({"dependsOn": [{"name": name}]})
}

async fn cycle(stage: &Stage) -> Result<()> {
    let a = Case::begin(stage, "depends-cycle-a", &[]).await?;
    let b = Case::begin(stage, "depends-cycle-b", &[]).await?;
    a.set_unit(on(b.name)).await?;
    a.ready_again().await?;
    b.set_unit(on(a.name)).await?;
    let says = &[
        "dependency cycle",
        "flux-system/depends-cycle-a",
        "flux-system/depends-cycle-b",
        "dependsOn",
    ];
    b.refused(REASON, says).await?;
    a.refused(REASON, says).await?;
    let commits = (a.push(&[]).await?, b.push(&[]).await?);
    a.neighbour_follows(&commits.0).await?;
    b.neighbour_follows(&commits.1).await?;
    a.refused(REASON, says).await?;
    b.refused(REASON, says).await?;
    b.set_unit(json!({"dependsOn": null})).await?;
    b.mended(&commits.1).await?;
    a.mended(&commits.0).await
}

async fn on_itself(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "depends-self", &[]).await?;
    case.set_unit(on(case.name)).await?;
    let says =
        &["dependency cycle", "flux-system/depends-self -> flux-system/depends-self", "dependsOn"];
    case.refused(REASON, says).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    case.set_unit(json!({"dependsOn": null})).await?;
    case.mended(&commit).await
}

async fn absent(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "depends-absent", &[]).await?;
    case.set_unit(on("depends-comes-late")).await?;
    let says = &["'flux-system/depends-comes-late' not found", "create it", "spec.dependsOn"];
    case.refused(REASON, says).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    Case::begin(stage, "depends-comes-late", &[]).await?;
    case.mended(&commit).await
}

async fn expression(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "depends-expression", &[]).await?;
    let neighbour = "depends-expression-neighbour";
    case.set_unit(json!({"dependsOn": [{"name": neighbour, "readyExpr": "dep.status ="}]})).await?;
    case.refused("InvalidCELExpression", &["readyExpr"]).await?;
    case.is_stalled(&unit_kind()).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    case.set_unit(on(neighbour)).await?;
    case.mended(&commit).await
}
