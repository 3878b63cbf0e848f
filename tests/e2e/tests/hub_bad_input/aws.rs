//! What AWS holds.

use std::time::Duration;

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::aws::Resource;
use capstan_model::Manifest;

/// The resources of a kind that carry the owner tag of an object, or its name.
pub(crate) async fn of(stage: &Stage, kind: &str, object: &Manifest) -> Result<Vec<Resource>> {
    let mut all = stage.kit.aws.inventory().await?;
    all.retain(|found| {
        let owned =
            found.tags.get("fleet.capstan.dev/owner-uid").is_some_and(|u| u == object.uid());
        found.kind == kind && (owned || found.name.as_deref() == Some(object.name()))
    });
    Ok(all)
}

/// AWS holds an object once.
pub(crate) async fn once(stage: &Stage, kind: &str, object: &Manifest) -> Result<()> {
    let found = of(stage, kind, object).await?;
    ensure!(found.len() == 1, "{} is there {} times: {found:?}", object.id(), found.len());
    Ok(())
}

/// Waits until AWS holds or does not hold a role of that name.
pub(crate) async fn role_is_there(stage: &Stage, name: &str, there: bool) -> Result<()> {
    let what = format!("role {name} in AWS: {there}");
    capstan_kit::wait_until(&what, Duration::from_secs(60), async || {
        let all = stage.kit.aws.inventory().await?;
        let found = all.iter().any(|r| r.kind == "role" && r.name.as_deref() == Some(name));
        ensure!(found == there, "there: {found}");
        Ok(())
    })
    .await
}
