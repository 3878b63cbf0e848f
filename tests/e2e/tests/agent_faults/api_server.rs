//! What the API server itself does wrong.

use anyhow::{Result, ensure};
use capstan_kit::Fault;
use capstan_kit::faults::Seen;
use capstan_kit::wait_until;
use serde_json::json;

use crate::fleet::{Fleet, SOON, config_map, config_map_kind, unit_kind};

/// Ten objects that say something.
fn many(fleet: &Fleet, value: &str) -> String {
    let all: Vec<_> =
        (0..10).map(|n| config_map(fleet.name, &format!("many-{n}"), value)).collect();
    all.join("\n---\n")
}

/// Waits until every fault was had.
async fn all_were_had(fleet: &Fleet) -> Result<()> {
    wait_until("all faults", SOON, || async {
        let left = fleet.proxy.left();
        if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
    })
    .await
}

/// 429 with and without a time, 5xx, and connections that break: at reads and at writes.
pub(crate) async fn refuses_and_breaks_off(fleet: &Fleet) -> Result<()> {
    let faults = [
        Fault::Refused(429, Some(1)),
        Fault::Refused(503, None),
        Fault::Refused(500, None),
        Fault::Reset,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        fleet.proxy.inject(fault, 3, |seen| seen.writes() && seen.path.contains("/configmaps/"));
        fleet.proxy.inject(fault, 2, |seen| seen.path.contains("/kustomizations/"));
        let text = many(fleet, &format!("after {number}"));
        let commit = fleet.push(&[("many.yaml", Some(&text))]).await?;
        fleet.ended(&commit).await?;
        fleet.says("many-9", &format!("after {number}")).await?;
        all_were_had(fleet).await?;
    }
    let commit = fleet.push(&[("many.yaml", None)]).await?;
    fleet.ended(&commit).await
}

/// What was done and not answered is not done twice in a way that shows, and nothing is forgotten.
pub(crate) async fn loses_answers(fleet: &Fleet) -> Result<()> {
    let of_maps = |seen: &Seen| seen.path.contains("/configmaps/");
    fleet.proxy.inject(Fault::Lost, 10, move |seen| seen.method == "PATCH" && of_maps(seen));
    fleet.proxy.inject(Fault::Lost, 2, |seen| {
        seen.method == "PATCH" && seen.path.contains("/kustomizations/")
    });
    let commit = fleet.push(&[("many.yaml", Some(&many(fleet, "x")))]).await?;
    fleet.ended(&commit).await?;
    fleet.proxy.inject(Fault::Lost, 3, move |seen| seen.method == "DELETE" && of_maps(seen));
    let commit = fleet.push(&[("many.yaml", None)]).await?;
    fleet.ended(&commit).await?;
    all_were_had(fleet).await?;
    let unit = fleet.unit().await?;
    let events =
        fleet.cluster().list(&capstan_e2e::look::kind("v1", "Event"), "flux-system", "").await?;
    let of_unit =
        events.iter().filter(|event| event.value()["involvedObject"]["uid"] == unit.uid());
    let finished = of_unit.filter(|event| {
        let revision =
            &event.value()["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/revision"];
        event.value()["reason"] == "ReconciliationSucceeded"
            && revision.as_str().is_some_and(|revision| revision.ends_with(&commit))
    });
    let count = finished.count();
    ensure!(count <= 2, "{count} events say that one revision is applied");
    Ok(())
}

/// Requests are swallowed for a while; whoever waited for them goes on when the connection ends.
pub(crate) async fn is_silent(fleet: &Fleet) -> Result<()> {
    fleet
        .proxy
        .inject(Fault::Silence, 2, |seen| seen.writes() && seen.path.contains("/configmaps/"));
    let commit = fleet.push(&[("many.yaml", Some(&many(fleet, "loud")))]).await?;
    all_were_had(fleet).await?;
    fleet.proxy.mend();
    fleet.ended(&commit).await
}

/// Watches end, and cannot go on where they were: what was missed meanwhile is found, and nothing is deleted for it.
pub(crate) async fn cuts_watches(fleet: &Fleet) -> Result<()> {
    fleet.proxy.take_seen();
    fleet.proxy.inject(Fault::Refused(410, None), 40, Seen::watches);
    fleet.proxy.cut_watches();
    let edit = json!({"data": {"value": "by hand"}});
    let cluster = fleet.cluster();
    cluster.merge(&config_map_kind(), fleet.name, "kept", &edit, "kubectl-edit").await?;
    cluster.delete(&config_map_kind(), fleet.name, "many-3", &Default::default()).await?;
    fleet.proxy.mend();
    fleet.says("kept", "good").await?;
    fleet.says("many-3", "loud").await?;
    let deleted = fleet.proxy.take_seen().into_iter().find(|seen| seen.method == "DELETE");
    ensure!(deleted.is_none(), "{deleted:?} for a watch that broke");
    Ok(())
}

/// Others write the unit faster than the agent.
pub(crate) async fn has_conflicts(fleet: &Fleet) -> Result<()> {
    fleet.proxy.inject(Fault::Refused(409, None), 5, |seen| {
        seen.writes()
            && (seen.path.contains("/kustomizations/") || seen.path.contains("/configmaps/"))
    });
    let commit = fleet.push(&[("many.yaml", Some(&many(fleet, "agreed")))]).await?;
    fleet.ended(&commit).await?;
    all_were_had(fleet).await
}

/// The API server goes while the agent works, and comes back.
pub(crate) async fn restarts(fleet: &Fleet) -> Result<()> {
    let commit = fleet.push(&[("many.yaml", Some(&many(fleet, "again")))]).await?;
    fleet.bare.plane.stop().await;
    fleet.proxy.cut_watches();
    fleet.bare.plane.start_again().await?;
    fleet.ended(&commit).await?;
    let commit = fleet.push(&[("many.yaml", None)]).await?;
    fleet.ended(&commit).await?;
    let unit = fleet.cluster().get(&unit_kind(), "flux-system", fleet.name).await?;
    ensure!(unit.is_some(), "the unit is gone");
    Ok(())
}
