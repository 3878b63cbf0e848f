//! An object that two units want.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{condition, find_condition, text, told, wait_for, wait_gone};
use capstan_e2e::stage::NAMESPACE;
use capstan_model::Manifest;
use serde_json::json;

use crate::fleet::{Fleet, SOON, config_map, config_map_kind, unit, unit_kind};

/// The second unit.
const SECOND: &str = "second";

/// Waits until the second unit is ready, and says that it leaves objects to others, or nothing of the kind.
async fn second(fleet: &Fleet, commit: &str, shares: bool) -> Result<Manifest> {
    let is = |unit: &Manifest| {
        condition(unit, "Ready")
            && text(unit, "/status/lastAppliedRevision").ends_with(commit)
            && find_condition(unit, "Shared").is_some() == shares
    };
    wait_for(fleet.cluster(), &unit_kind(), (NAMESPACE, SECOND), SOON, is).await
}

async fn both(fleet: &Fleet) -> Result<Manifest> {
    let object = fleet.cluster().get(&config_map_kind(), fleet.name, "both").await?;
    object.context("what two units want is gone")
}

/// Has a unit reconciled, and waits until it was.
async fn reconcile(fleet: &Fleet, name: &str, request: &str) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": request}}});
    fleet.cluster().merge(&unit_kind(), NAMESPACE, name, &patch, "a-user").await?;
    let handled = |unit: &Manifest| text(unit, "/status/lastHandledReconcileAt") == request;
    wait_for(fleet.cluster(), &unit_kind(), (NAMESPACE, name), SOON, handled).await?;
    Ok(())
}

/// The first one keeps it, and nobody fights; when it lets go, the second one has it as it is, and not a new one.
pub(crate) async fn are_left_to_who_has_them(fleet: &Fleet) -> Result<()> {
    let (one, two) = (config_map(fleet.name, "both", "one"), config_map(fleet.name, "both", "two"));
    let commit = fleet.push(&[("both.yaml", Some(&one))]).await?;
    fleet.ended(&commit).await?;
    let commit = fleet.push_in(SECOND, &[("both.yaml", Some(&two))]).await?;
    fleet.bare.apply(&unit(SECOND, fleet.name, SECOND).to_string()).await?;
    second(fleet, &commit, true).await?;
    let who = format!("ConfigMap/{0}/both belongs to Kustomization {NAMESPACE}/{0}", fleet.name);
    let words = ("Shared", "True", "OwnedByAnother", &[&*who][..]);
    told(fleet.cluster(), &unit_kind(), (NAMESPACE, SECOND), words, SOON).await?;
    let before = both(fleet).await?;
    for name in [SECOND, fleet.name, SECOND] {
        reconcile(fleet, name, &format!("{name}-{}", before.resource_version())).await?;
    }
    let after = both(fleet).await?;
    ensure!(text(&after, "/data/value") == "one", "{}", after.value());
    ensure!(after.resource_version() == before.resource_version(), "somebody wrote it");

    let commit = fleet.push(&[("both.yaml", None)]).await?;
    fleet.says("both", "two").await?;
    second(fleet, &commit, false).await?;
    ensure!(both(fleet).await?.uid() == before.uid(), "it was deleted, and made anew");
    fleet.ended(&commit).await?;
    let own = config_map(fleet.name, "own", "x");
    let commit = fleet.push_in(SECOND, &[("both.yaml", None), ("own.yaml", Some(&own))]).await?;
    second(fleet, &commit, false).await?;
    let left = fleet.cluster().get(&config_map_kind(), fleet.name, "both").await?;
    ensure!(left.is_none(), "nobody wants it any more");
    fleet.cluster().delete(&unit_kind(), NAMESPACE, SECOND, &Default::default()).await?;
    wait_gone(fleet.cluster(), &unit_kind(), (NAMESPACE, SECOND), SOON).await
}
