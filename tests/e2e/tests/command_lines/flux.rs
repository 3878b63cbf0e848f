//! Flux's command line, as its users know it.

use anyhow::{Result, ensure};
use capstan_e2e::look::{kind, text, wait_gone};
use capstan_e2e::run::Program;
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage, says};

use crate::fleet::{DEFAULT, Fleet, git_repository, kustomization, short};
use crate::services;

/// A day of a user: installs, looks, pushes, suspends, deletes.
pub(crate) async fn story(stage: &Stage) -> Result<()> {
    let fleet = Fleet::push(stage, "flux").await?;
    let flux = Program::flux(&stage.kit)?;
    is_installed(&flux).await?;
    creates(&flux, &fleet).await?;
    services::point_at_the_agent(&fleet).await?;
    lists(&flux, &fleet).await?;
    looks_closer(&flux, &fleet).await?;
    reconciles(&flux, &fleet).await?;
    suspends_a_unit(&flux, &fleet).await?;
    suspends_a_source(&flux, &fleet).await?;
    receives(&flux, &fleet).await?;
    tells_what_is_not_reconciled(&flux, &fleet).await?;
    deletes(&flux, &fleet).await
}

async fn is_installed(flux: &Program) -> Result<()> {
    let checked = flux.succeeds("check").await?;
    for expected in [
        "distribution: flux-v2.9.5",
        "capstan-agent: deployment ready",
        "gitrepositories.source.toolkit.fluxcd.io/v1",
        "helmreleases.helm.toolkit.fluxcd.io/v2",
        "alerts.notification.toolkit.fluxcd.io/v1beta3",
        "all checks passed",
    ] {
        ensure!(checked.err.contains(expected), "nothing about `{expected}`: {checked}");
    }
    flux.succeeds("version").await?.shows(&["distribution: flux-v2.9.5", "capstan-agent: v"])
}

async fn creates(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let (name, url) = (fleet.name, fleet.repo.url());
    flux.succeeds(&format!(
        "create source git {name} --url={url} --branch=main --secret-ref=flux-system --interval=10m"
    ))
    .await?;
    flux.succeeds(&format!(
        "create kustomization {name} --source=GitRepository/{name} --path=./clusters/one \
         --prune --interval=10m"
    ))
    .await?;
    flux.succeeds(&format!("reconcile kustomization {}", fleet.apps)).await?;
    fleet.is_painted("red").await
}

async fn lists(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let source = fleet.get(&git_repository(), (NAMESPACE, name)).await?;
    let revision = text(&source, "/status/artifact/revision");
    let all = flux.succeeds("get all -A").await?;
    ensure!(all.err.is_empty(), "{all}");
    for (kind, name) in
        [("gitrepository", *name), ("kustomization", *name), ("kustomization", &**apps)]
    {
        let row = all.row(&format!("{kind}/{name}"))?;
        ensure!(row[2..5] == [short(&revision), "False", "True"], "{row:?}");
    }
    for (arguments, name) in [("get sources git", *name), ("get kustomizations", &**apps)] {
        let listed = flux.succeeds(arguments).await?;
        ensure!(listed.row(name)?[1..4] == [short(&revision), "False", "True"], "{listed}");
    }
    let selected = flux.succeeds("get kustomizations --status-selector ready=false").await?;
    ensure!(!selected.out.contains(apps), "{selected}");
    flux.fails("get kustomizations nosuch", 1, "'nosuch' not found").await?;
    Ok(())
}

async fn looks_closer(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let tree = flux.succeeds(&format!("tree kustomization {name}")).await?;
    let nested = format!(
        "Kustomization/{NAMESPACE}/{name}\n\
         └── Kustomization/{NAMESPACE}/{apps}\n    \
         ├── ConfigMap/{DEFAULT}/{name}-settings\n    \
         └── Deployment/{DEFAULT}/{name}-web\n"
    );
    ensure!(tree.out.trim_end() == nested.trim_end(), "{tree}");
    let trace = flux.succeeds(&format!("trace deployment {name}-web -n {DEFAULT}")).await?;
    let (unit, source) = (format!("Kustomization:   {apps}"), format!("GitRepository:   {name}"));
    trace.shows(&["Managed by Flux", &unit, &source])?;
    let events = flux.succeeds(&format!("events --for Kustomization/{apps}")).await?;
    events.shows(&["ReconciliationSucceeded", "created", "NewArtifact"])?;
    flux.succeeds("stats -A").await?.shows(&["Kustomization", "HelmRelease"])?;
    let exported = flux.succeeds(&format!("export kustomization {apps}")).await?;
    exported.shows(&["path: ./apps", "wait: true"])?;
    flux.succeeds(&format!("export source git {name}")).await?.shows(&["branch: main"])?;
    let debug = flux.succeeds(&format!("debug kustomization {apps} --show-history")).await?;
    debug.shows(&["digest: sha256:", "ReconciliationSucceeded", "totalReconciliations: "])
}

async fn reconciles(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let apps = &fleet.apps;
    fleet.check_out(flux.home(), "blue").await?;
    let diff = format!("diff kustomization {apps} --path ./apps --progress-bar=false");
    let changed = flux.run(&diff).await?;
    ensure!(changed.code == Some(1), "{changed}");
    changed.shows(&["settings drifted", "- red", "+ blue"])?;
    let blue = fleet.paint("blue").await?;
    let said = flux.succeeds(&format!("reconcile kustomization {apps} --with-source")).await?;
    for expected in [format!("fetched revision {blue}"), format!("applied revision {blue}")] {
        ensure!(said.err.contains(&expected), "{said}");
    }
    fleet.is_painted("blue").await?;
    let unit = fleet.apps().await?;
    let handled = text(&unit, "/status/lastHandledReconcileAt");
    ensure!(unit.annotation("reconcile.fluxcd.io/requestedAt") == Some(&*handled));
    flux.succeeds(&diff).await?;
    // Without a new revision there is nothing new to do, and it is done.
    flux.succeeds(&format!("reconcile kustomization {apps}")).await?;
    flux.fails("reconcile kustomization nosuch", 1, "not found").await?;
    Ok(())
}

async fn suspends_a_unit(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let blue = text(&fleet.apps().await?, "/status/lastAppliedRevision");
    flux.succeeds(&format!("suspend kustomization {apps}")).await?;
    let green = fetched(flux, fleet, "green").await?;
    let yellow = fetched(flux, fleet, "yellow").await?;
    // The root has seen what the suspended one has not.
    flux.succeeds(&format!("reconcile kustomization {name}")).await?;
    let listed = flux.succeeds("get kustomizations").await?;
    ensure!(listed.row(apps)?[1..3] == [short(&blue), "True"], "{listed}");
    fleet.is_painted("blue").await?;
    flux.fails(&format!("reconcile kustomization {apps}"), 1, "suspended").await?;
    let said = flux.succeeds(&format!("resume kustomization {apps}")).await?;
    ensure!(said.err.contains(&format!("applied revision {yellow}")), "{said}");
    fleet.is_painted("yellow").await?;
    // The history shows that what came and went meanwhile was never applied.
    let history = fleet.history().await?;
    ensure!(history.starts_with(&[yellow, blue]) && !history.contains(&green), "{history:?}");
    Ok(())
}

/// Pushes a color and has the source fetched; gives the revision.
async fn fetched(flux: &Program, fleet: &Fleet<'_>, color: &str) -> Result<String> {
    let revision = fleet.paint(color).await?;
    let said = flux.succeeds(&format!("reconcile source git {}", fleet.name)).await?;
    ensure!(said.err.contains(&format!("fetched revision {revision}")), "{said}");
    Ok(revision)
}

async fn suspends_a_source(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let asked = || {
        let requests = fleet.stage.kit.git.requests();
        requests.iter().filter(|request| request.path.contains(&format!("/{name}.git"))).count()
    };
    flux.succeeds(&format!("suspend source git {name}")).await?;
    let before = asked();
    let white = fleet.paint("white").await?;
    flux.fails(&format!("reconcile source git {name}"), 1, "suspended").await?;
    flux.fails(&format!("reconcile kustomization {apps} --with-source"), 1, "suspended").await?;
    flux.succeeds(&format!("reconcile kustomization {apps}")).await?;
    fleet.is_painted("yellow").await?;
    ensure!(asked() == before, "a suspended source was fetched");
    let said = flux.succeeds(&format!("resume source git {name}")).await?;
    ensure!(said.err.contains(&format!("fetched revision {white}")), "{said}");
    flux.succeeds(&format!("reconcile kustomization {apps}")).await?;
    fleet.is_painted("white").await
}

async fn receives(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let secret = "apiVersion: v1\nkind: Secret\n\
        metadata: {name: flux-hook, namespace: flux-system}\nstringData: {token: secret}\n";
    fleet.stage.apply(secret).await?;
    flux.succeeds(&format!(
        "create receiver flux-hook --type=generic --secret-ref=flux-hook \
         --resource=GitRepository/{}",
        fleet.name
    ))
    .await?;
    flux.succeeds("reconcile receiver flux-hook").await?;
    let listed = flux.succeeds("get receivers").await?;
    ensure!(listed.row("flux-hook")?[1..3] == ["False", "True"], "{listed}");
    flux.succeeds("delete receiver flux-hook --silent").await.map(|_| ())
}

/// Kinds that are served and not reconciled.
const CHARTS: &str = r#"
apiVersion: helm.toolkit.fluxcd.io/v2beta1
kind: HelmRelease
metadata: {name: shop, namespace: default}
spec:
  interval: 5m
  chart: {spec: {chart: shop, sourceRef: {kind: HelmRepository, name: charts}}}
---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: HelmRepository
metadata: {name: charts, namespace: default}
spec: {interval: 5m, url: "https://charts.example.org"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: chat, namespace: default}
spec: {type: slack, channel: general}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: everything, namespace: default}
spec: {providerRef: {name: chat}, eventSources: [{kind: GitRepository, name: "*"}]}
"#;

async fn tells_what_is_not_reconciled(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, stage, .. } = fleet;
    fleet.write(&[("apps/charts.yaml", Some(CHARTS))]).await?;
    flux.succeeds(&format!("reconcile source git {name}")).await?;
    let failed = ("Ready", "False", "HealthCheckFailed");
    let message = says(&stage.management, &kustomization(), (NAMESPACE, apps), failed).await?;
    for expected in ["failed early", "/default/", "status: 'Failed'", "does not reconcile"] {
        ensure!(message.contains(expected), "{message}");
    }
    let release = kind("helm.toolkit.fluxcd.io/v2", "HelmRelease");
    let repository = kind("source.toolkit.fluxcd.io/v1", "HelmRepository");
    for (gvk, name) in [(&release, "shop"), (&repository, "charts")] {
        let stalled = ("Stalled", "True", "NotSupported");
        says(&stage.management, gvk, (DEFAULT, name), stalled).await?;
    }
    let all = flux.succeeds("get all -A").await?;
    ensure!(all.err.is_empty(), "{all}");
    for object in ["helmrelease/shop", "helmrepository/charts"] {
        let row = all.row(object)?.join(" ");
        ensure!(row.contains("False False Capstan"), "{row}");
    }
    all.shows(&["provider/chat", "alert/everything"])?;
    flux.fails("reconcile helmrelease shop -n default", 1, "does not reconcile").await?;
    for object in ["HelmRelease/shop", "Alert/everything"] {
        let events = flux.succeeds(&format!("events --for {object} -n default")).await?;
        events.shows(&["Warning", "NotSupported"])?;
    }
    for version in ["v2", "v2beta2", "v2beta1"] {
        let gvk = kind(&format!("helm.toolkit.fluxcd.io/{version}"), "HelmRelease");
        let seen = fleet.get(&gvk, (DEFAULT, "shop")).await?;
        ensure!(text(&seen, "/spec/chart/spec/chart") == "shop", "the spec was not kept");
    }
    let debug = flux.succeeds(&format!("debug kustomization {apps} --show-history")).await?;
    debug.shows(&["lastReconciledStatus: HealthCheckFailed"])?;
    fleet.write(&[("apps/charts.yaml", None)]).await?;
    flux.succeeds(&format!("reconcile kustomization {apps} --with-source")).await?;
    wait_gone(&stage.management, &release, (DEFAULT, "shop"), PATIENCE).await
}

async fn deletes(flux: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let (name, cluster) = (fleet.name, &fleet.stage.management);
    flux.succeeds(&format!("delete kustomization {name} --silent")).await?;
    let settings = format!("{name}-settings");
    wait_gone(cluster, &kind("v1", "ConfigMap"), (DEFAULT, &settings), PATIENCE).await?;
    wait_gone(cluster, &kustomization(), (NAMESPACE, name), PATIENCE).await?;
    flux.succeeds(&format!("delete source git {name} --silent")).await?;
    wait_gone(cluster, &git_repository(), (NAMESPACE, name), PATIENCE).await
}
