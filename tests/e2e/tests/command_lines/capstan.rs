//! Our own command line: data on stdout, talk on stderr, exit codes for scripts.

use anyhow::{Context, Result, ensure};
use capstan_e2e::run::{Program, Said};
use capstan_e2e::stage::{NAMESPACE, Stage, ready};
use serde_json::Value;

use crate::fleet::{DEFAULT, Fleet, git_repository, short};

/// Looks, pushes, suspends, and makes mistakes.
pub(crate) async fn story(stage: &Stage) -> Result<()> {
    let fleet = Fleet::push(stage, "capstan").await?;
    let capstan = Program::capstan(&stage.kit)?;
    stage.apply(&sync(&fleet)).await?;
    ready(&stage.management, &git_repository(), (NAMESPACE, fleet.name)).await?;
    reconciles(&capstan, &fleet).await?;
    prints_tables(&capstan, &fleet).await?;
    prints_documents(&capstan, &fleet).await?;
    suspends(&capstan, &fleet).await?;
    builds(&capstan, &fleet).await?;
    tells_what_failed(&capstan, &fleet).await?;
    tells_mistakes(&capstan).await
}

/// The root, and an object that nothing reconciles.
fn sync(fleet: &Fleet<'_>) -> String {
    let (name, url) = (fleet.name, fleet.repo.url());
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n\
         metadata: {{name: {name}, namespace: {NAMESPACE}}}\n\
         spec: {{interval: 10m, url: '{url}', ref: {{branch: main}}, \
         secretRef: {{name: flux-system}}}}\n---\n\
         apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
         metadata: {{name: {name}, namespace: {NAMESPACE}}}\n\
         spec: {{interval: 10m, path: ./clusters/one, prune: true, wait: true,\n  \
         sourceRef: {{kind: GitRepository, name: {name}}}}}\n---\n\
         apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n\
         metadata: {{name: {name}, namespace: {DEFAULT}}}\n\
         spec: {{interval: 10m, chart: {{spec: {{chart: shop, \
         sourceRef: {{kind: HelmRepository, name: charts}}}}}}}}\n",
    )
}

async fn reconciles(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    capstan.succeeds(&format!("reconcile kustomization {} --with-source", fleet.name)).await?;
    // The root waits for the application, which nobody had seen when the root looked first.
    fleet.is_painted("red").await?;
    let blue = fleet.paint("blue").await?;
    let said = capstan.succeeds(&format!("reconcile ks {} --with-source", fleet.apps)).await?;
    ensure!(said.out.is_empty(), "talk is no data: {said}");
    for expected in [format!("fetched revision {blue}"), format!("applied revision {blue}")] {
        ensure!(said.err.contains(&expected), "{said}");
    }
    fleet.is_painted("blue").await
}

async fn prints_tables(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let revision = fleet.history().await?.remove(0);
    let row = ["flux-system", apps, short(&revision), "False", "True"];
    let listed = quiet(capstan, "get kustomizations -A").await?;
    ensure!(listed.row(apps)?[..5] == row, "{listed}");
    ensure!(listed.rows()[0][..2] == ["NAMESPACE", "NAME"], "{listed}");
    let sources = quiet(capstan, "get sources -A").await?;
    ensure!(sources.row(&format!("gitrepository/{name}"))?[2] == short(&revision), "{sources}");
    let git = quiet(capstan, &format!("get sources git {name} --no-header")).await?;
    ensure!(git.rows().len() == 1 && git.rows()[0][..2] == [*name, short(&revision)], "{git}");
    let wide = quiet(capstan, &format!("get ks {apps} -o wide")).await?;
    wide.shows(&["SOURCE", "PATH", "OBJECTS", &revision, &format!("GitRepository/{name}")])?;
    let releases = quiet(capstan, "get helmreleases -n default").await?;
    ensure!(releases.row(name)?[1..3] == ["False", "False"], "{releases}");
    let all = quiet(capstan, "get all -A").await?;
    all.shows(&[&format!("gitrepository/{name}"), apps, "does not reconcile"])?;
    ensure!(!all.out.contains(['│', '+', '\t']), "a box: {all}");
    Ok(())
}

async fn prints_documents(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let json = quiet(capstan, "get all -A -o json").await?;
    let list: Value = serde_json::from_str(&json.out).with_context(|| json.to_string())?;
    let items = list["items"].as_array().context("a List has items")?;
    let holds = |kind: &str, name: &str| {
        items.iter().any(|item| item["kind"] == kind && item["metadata"]["name"] == name)
    };
    ensure!(holds("GitRepository", name) && holds("Kustomization", apps), "{json}");
    let yaml = quiet(capstan, &format!("get ks {apps} -o yaml")).await?;
    let objects = capstan_yaml::read(&yaml.out, "stdout")?;
    ensure!(objects.len() == 1 && objects[0]["metadata"]["name"] == **apps, "{yaml}");
    let names = quiet(capstan, &format!("get ks {apps} -o name")).await?;
    ensure!(names.out == format!("kustomization.kustomize.toolkit.fluxcd.io/{apps}\n"), "{names}");
    // A script that reads documents gets one, also when there is nothing.
    let none = capstan.succeeds("get ks -n nowhere -o json").await?;
    let list: Value = serde_json::from_str(&none.out).with_context(|| none.to_string())?;
    ensure!(list["items"] == Value::Array(Vec::new()), "{none}");
    Ok(())
}

async fn suspends(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let Fleet { name, apps, .. } = fleet;
    let blue = fleet.history().await?.remove(0);
    capstan.succeeds(&format!("suspend ks {apps}")).await?;
    let mut revisions = Vec::new();
    for color in ["green", "yellow"] {
        let revision = fleet.paint(color).await?;
        let said = capstan.succeeds(&format!("reconcile source git {name}")).await?;
        ensure!(said.err.contains(&format!("fetched revision {revision}")), "{said}");
        revisions.push(revision);
    }
    let listed = quiet(capstan, "get ks").await?;
    ensure!(listed.row(apps)?[1..3] == [short(&blue), "True"], "{listed}");
    capstan.fails(&format!("reconcile ks {apps}"), 1, "is suspended").await?;
    let said = capstan.succeeds(&format!("resume ks {apps}")).await?;
    ensure!(said.err.contains(&format!("applied revision {}", revisions[1])), "{said}");
    fleet.is_painted("yellow").await?;
    let history = fleet.history().await?;
    ensure!(!history.contains(&revisions[0]), "applied while suspended: {history:?}");
    capstan.succeeds(&format!("suspend source git {name}")).await?;
    capstan.fails(&format!("reconcile ks {apps} --with-source"), 1, "is suspended").await?;
    let white = fleet.paint("white").await?;
    let said = capstan.succeeds(&format!("resume source git {name}")).await?;
    ensure!(said.err.contains(&format!("fetched revision {white}")), "{said}");
    Ok(())
}

async fn builds(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    fleet.check_out(capstan.home(), "white").await?;
    // As kustomize, it builds what a kustomization names; only the agent makes one where none is.
    capstan.fails("build apps", 1, "unable to find one of 'kustomization.yaml'").await?;
    let kustomization = capstan.home().join("apps/kustomization.yaml");
    std::fs::write(kustomization, "resources: [settings.yaml, web.yaml]\n")?;
    let built = quiet(capstan, "build apps").await?;
    built.shows(&["color: white", "kind: Deployment", "\n---\n"])?;
    capstan.fails("build nosuch", 1, "nosuch").await?;
    builds_as_flux(capstan, fleet).await?;
    quiet(capstan, "version").await?.shows(&["capstan: v"])
}

/// A Kustomization of the cluster, and one of a file, over a local folder.
async fn builds_as_flux(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let flux = Program::flux(&fleet.stage.kit)?;
    let (apps, home) = (&fleet.apps, capstan.home().display());
    let file = capstan.home().join("unit.yaml");
    std::fs::write(
        &file,
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
         metadata: {name: local, namespace: flux-system}\n\
         spec:\n  targetNamespace: shop\n  commonMetadata: {labels: {team: shop}}\n\
         \x20 postBuild: {substitute: {color: \"3\"}}\n",
    )?;
    let file = file.display();
    for arguments in [
        format!("build kustomization {apps} --path {home}/apps"),
        format!("build ks local --path {home}/apps --kustomization-file {file} --dry-run"),
    ] {
        let (theirs, ours) = (flux.succeeds(&arguments).await?, quiet(capstan, &arguments).await?);
        ensure!(ours.out == theirs.out, "{arguments}: {ours}\nand flux: {theirs}");
    }
    let absent = format!("build ks absent --path {home}/apps");
    capstan.fails(&absent, 1, "failed to find kustomization with name 'absent'").await?;
    Ok(())
}

/// A unit that fails says why, and one that takes too long is told apart from it.
async fn tells_what_failed(capstan: &Program, fleet: &Fleet<'_>) -> Result<()> {
    let apps = &fleet.apps;
    let broken = "apiVersion: example.org/v1\nkind: Nonsense\nmetadata: {name: broken}\n";
    fleet.write(&[("apps/broken.yaml", Some(broken))]).await?;
    let reconcile = format!("reconcile ks {apps} --with-source");
    capstan.fails(&reconcile, 1, "Nonsense").await?;
    let stuck = "apiVersion: v1\nkind: PersistentVolumeClaim\n\
        metadata: {name: capstan-stuck, namespace: default}\n\
        spec: {accessModes: [ReadWriteOnce], storageClassName: none, \
        resources: {requests: {storage: 1Gi}}}\n";
    let files = [("apps/broken.yaml", None), ("apps/stuck.yaml", Some(stuck))];
    fleet.write(&files).await?;
    capstan.fails(&format!("{reconcile} --timeout 3s"), 3, "timed out").await?;
    Ok(())
}

async fn tells_mistakes(capstan: &Program) -> Result<()> {
    capstan.fails("get ks nosuch", 1, "no Kustomization \"nosuch\" found").await?;
    capstan.fails("reconcile ks nosuch", 1, "Kustomization nosuch not found").await?;
    capstan.fails("suspend source git nosuch", 1, "GitRepository nosuch not found").await?;
    capstan.fails("get pods", 1, "unrecognized subcommand 'pods'").await?;
    capstan.fails("get ks --context nosuch", 1, "no context `nosuch`").await?;
    quiet(capstan, "get ks --context management").await?;
    let claims = capstan.succeeds("get claims").await?;
    ensure!(claims.err.contains("no claim found") && claims.out.is_empty(), "{claims}");
    Ok(())
}

/// Runs it; it must succeed and print nothing but data.
async fn quiet(capstan: &Program, arguments: &str) -> Result<Said> {
    let said = capstan.succeeds(arguments).await?;
    ensure!(said.err.is_empty(), "{said}");
    Ok(said)
}
