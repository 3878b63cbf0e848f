//! OCI artifacts: pushed by the Flux command line, and by hand where they must be wrong.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{find_condition, text};
use capstan_e2e::run::Program;
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::Registry;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::FutureExt;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::source::{Named, Source, config_map};

const USER: &str = "robot";
const PASSWORD: &str = "r0b0t-pa55w0rd";
/// The Secret with the registry's login.
const LOGIN: &str = "registry-login";
/// One with another password.
const WRONG: &str = "registry-wrong-login";

pub(crate) async fn prepare(stage: &Stage) -> Result<Registry> {
    let registry = Registry::start(stage.kit.parts(), stage.kit.dir(), (USER, PASSWORD)).await?;
    for (name, password) in [(LOGIN, PASSWORD), (WRONG, "wr0ng-pa55w0rd")] {
        let login = json!({"username": USER, "password": password});
        let config = json!({"auths": {registry.address(): login}}).to_string();
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": config},
            "metadata": {"name": name, "namespace": NAMESPACE}});
        stage.apply(&secret.to_string()).await?;
    }
    Ok(registry)
}

pub(crate) fn cases<'a>(stage: &'a Stage, registry: &'a Registry) -> Vec<Named<'a>> {
    vec![
        ("oci-life", life(stage, registry).boxed()),
        ("oci-pull-secret", pull_secret(stage, registry).boxed()),
        ("oci-copy", copy(stage, registry).boxed()),
        ("oci-faults", faults(stage, registry).boxed()),
        ("oci-archives", archives(stage, registry).boxed()),
    ]
}

fn spec(registry: &Registry, name: &str, more: Value) -> Value {
    let url = format!("oci://{}/{name}", registry.address());
    let mut spec = json!({"interval": "30m", "url": url, "secretRef": {"name": LOGIN}});
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
        spec.retain(|_, value| !value.is_null());
    }
    spec
}

/// Pushes a folder with one ConfigMap, as a user does.
async fn push(
    stage: &Stage,
    registry: &Registry,
    (name, tag): (&str, &str),
    value: &str,
) -> Result<()> {
    let flux = Program::flux(&stage.kit)?;
    let folder = format!("{name}-{tag}");
    let place = flux.home().join(&folder);
    std::fs::create_dir_all(&place)?;
    std::fs::write(place.join("config-map.yaml"), config_map(name, value))?;
    let address = registry.address();
    let said = flux
        .run(&format!(
            "push artifact oci://{address}/{name}:{tag} --path {folder} --source https://git.example.org/{name} \
             --revision main@sha1:{tag} --creds {USER}:{PASSWORD} --insecure-registry"
        ))
        .await?;
    ensure!(said.code == Some(0), "{said:?}");
    Ok(())
}

/// A tag is followed, a range takes the newest, a digest stays; what is gone fails and leaves all as it was.
async fn life(stage: &Stage, registry: &Registry) -> Result<()> {
    let source = Source::new(stage, "OCIRepository", "life");
    push(stage, registry, ("life", "latest"), "one").await?;
    source.set(&spec(registry, "life", json!({}))).await?;
    source.unit().await?;
    let first = source.stored("latest@sha256:").await?;
    let origin = "main@sha1:latest";
    let note = first.value().pointer("/status/artifact/metadata/org.opencontainers.image.revision");
    ensure!(note == Some(&json!(origin)), "{note:?}");
    let digest = text(&first, "/status/artifact/revision").replace("latest@", "");
    let path = text(&first, "/status/artifact/path");
    ensure!(path == format!("ocirepository/{NAMESPACE}/life/{digest}.tar.gz"), "{path}");
    let unit = source.applied().await?;
    ensure!(source.value("life").await? == "one");
    let told = text(&unit, "/status/lastAppliedOriginRevision");
    ensure!(told == origin, "{told}");
    push(stage, registry, ("life", "latest"), "two").await?;
    source.look_again("two").await?;
    source.stored("latest@sha256:").await?;
    source.applied().await?;
    for (tag, value) in [("1.0.0", "1.0.0"), ("1.1.0", "1.1.0"), ("2.0.0-rc.1", "2.0.0-rc.1")] {
        push(stage, registry, ("life", tag), value).await?;
    }
    source.set(&spec(registry, "life", json!({"ref": {"semver": "1.x"}}))).await?;
    source.stored("1.1.0@sha256:").await?;
    source.applied().await?;
    ensure!(source.value("life").await? == "1.1.0");
    let filtered = json!({"ref": {"semver": ">=1.0.0-0", "semverFilter": ".*-rc.*"}});
    source.set(&spec(registry, "life", filtered)).await?;
    source.stored("2.0.0-rc.1@sha256:").await?;
    source.set(&spec(registry, "life", json!({"ref": {"digest": digest}}))).await?;
    source.stored(&digest).await?;
    source.applied().await?;
    ensure!(source.value("life").await? == "one");
    source.set(&spec(registry, "life", json!({"ref": {"tag": "v9"}}))).await?;
    let failed = source.refused("OCIArtifactPullFailed", &["life:v9", "404", "spec.ref"]).await?;
    ensure!(text(&failed, "/status/artifact/revision") == digest, "the artifact stays");
    ensure!(source.value("life").await? == "one");
    Ok(())
}

/// The pull secrets of a ServiceAccount are logins too.
async fn pull_secret(stage: &Stage, registry: &Registry) -> Result<()> {
    let source = Source::new(stage, "OCIRepository", "pulled");
    push(stage, registry, ("pulled", "latest"), "one").await?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "puller", "namespace": NAMESPACE}, "imagePullSecrets": [{"name": LOGIN}]});
    stage.apply(&account.to_string()).await?;
    let mut spec = spec(registry, "pulled", json!({"serviceAccountName": "puller"}));
    spec.as_object_mut().context("an object")?.remove("secretRef");
    source.set(&spec).await?;
    source.stored("latest@sha256:").await?;
    Ok(())
}

/// A layer that is copied is served as it was pushed.
async fn copy(stage: &Stage, registry: &Registry) -> Result<()> {
    let source = Source::new(stage, "OCIRepository", "copied");
    let layer = archive(&[(
        "config-map.yaml",
        EntryType::Regular,
        config_map("copied", "one").as_bytes(),
    )])?;
    let (_, digest) = registry.push("copied", "latest", layer).await?;
    let selector =
        json!({"mediaType": "application/vnd.cncf.flux.content.v1.tar+gzip", "operation": "copy"});
    source.set(&spec(registry, "copied", json!({"layerSelector": selector}))).await?;
    source.unit().await?;
    let stored = source.stored("latest@sha256:").await?;
    ensure!(text(&stored, "/status/artifact/digest") == digest);
    ensure!(text(&stored, "/status/observedLayerSelector/operation") == "copy");
    source.applied().await?;
    ensure!(source.value("copied").await? == "one");
    Ok(())
}

/// What may be wrong with a spec, and what is said of it.
async fn faults(stage: &Stage, registry: &Registry) -> Result<()> {
    push(stage, registry, ("faults", "latest"), "one").await?;
    let absent = format!("sha256:{}", "0".repeat(64));
    let address = registry.address();
    let cases: [(&'static str, Value, &str, &[&str]); 9] = [
        (
            "no-tag",
            json!({"ref": {"tag": "absent"}}),
            "OCIArtifactPullFailed",
            &["faults:absent", "404"],
        ),
        (
            "no-digest",
            json!({"ref": {"digest": absent}}),
            "OCIArtifactPullFailed",
            &["404", &absent],
        ),
        (
            "no-version",
            json!({"ref": {"semver": "7.x"}}),
            "ReadOperationFailed",
            &["no match found for semver: 7.x"],
        ),
        (
            "no-range",
            json!({"ref": {"semver": "seven"}}),
            "ReadOperationFailed",
            &["semver 'seven' parse error"],
        ),
        (
            "no-layer",
            json!({"layerSelector": {"mediaType": "a/b"}}),
            "OCIArtifactLayerOperationFailed",
            &["'a/b'"],
        ),
        (
            "no-login",
            json!({"secretRef": {"name": WRONG}}),
            "OCIArtifactPullFailed",
            &["401", "UNAUTHORIZED"],
        ),
        (
            "no-secret",
            json!({"secretRef": {"name": "absent"}}),
            "AuthenticationFailed",
            &["flux-system/absent", "not found"],
        ),
        (
            "no-repository",
            json!({"url": format!("oci://{address}/a/b:v1")}),
            "URLInvalid",
            &["remove ':v1'"],
        ),
        (
            "no-cloud",
            json!({"provider": "gcp", "secretRef": null}),
            "AuthenticationFailed",
            &["gcp", "not supported"],
        ),
    ];
    for (name, wrong, reason, words) in cases {
        let source = Source::new(stage, "OCIRepository", name);
        source.set(&spec(registry, "faults", wrong)).await?;
        let failed = source.refused(reason, words).await.context(name)?;
        let fetch = find_condition(&failed, "FetchFailed").context("FetchFailed")?;
        ensure!(fetch["status"] == "True" && fetch["reason"] == reason, "{name}: {fetch}");
    }
    Ok(())
}

/// What may be wrong with an artifact.
async fn archives(stage: &Stage, registry: &Registry) -> Result<()> {
    let good = config_map("archives", "one");
    let file = |path, content| (path, EntryType::Regular, content);
    let bomb = vec![0; 101 << 20];
    let cases: [(&'static str, Vec<u8>, &str); 4] = [
        ("no-archive", b"this is text".to_vec(), "failed to extract layer contents"),
        ("leads-out", archive(&[file("../evil.yaml", good.as_bytes())])?, "../evil.yaml"),
        ("hard-link", archive(&[("link", EntryType::Link, b"/etc/passwd")])?, "hard links"),
        ("bomb", archive(&[file("zeros", &bomb)])?, "unpacks to more than"),
    ];
    for (name, layer, word) in cases {
        let source = Source::new(stage, "OCIRepository", name);
        registry.push(name, "latest", layer).await?;
        source.set(&spec(registry, name, json!({}))).await?;
        source.refused("OCIArtifactLayerOperationFailed", &[word]).await.context(name)?;
    }
    let layer = archive(&[
        file("config-map.yaml", good.as_bytes()),
        ("link.yaml", EntryType::Symlink, b"/etc/passwd"),
    ])?;
    let source = Source::new(stage, "OCIRepository", "archives");
    let (_, digest) = registry.push("archives", "latest", layer).await?;
    source.set(&spec(registry, "archives", json!({}))).await?;
    source.unit().await?;
    source.stored("latest@sha256:").await?;
    source.applied().await?;
    let other = archive(&[file("config-map.yaml", config_map("archives", "two").as_bytes())])?;
    let (_, tampered) = registry.push("archives", "latest", other).await?;
    ensure!(digest != tampered);
    registry.tamper(&tampered).await?;
    source.look_again("tampered").await?;
    let words = [&*tampered, "another size or digest"];
    let failed = source.refused("OCIArtifactLayerOperationFailed", &words).await?;
    let outdated = find_condition(&failed, "ArtifactOutdated").context("ArtifactOutdated")?;
    ensure!(outdated["reason"] == "NewRevision", "{outdated}");
    ensure!(source.value("archives").await? == "one", "what was applied stays");
    Ok(())
}

/// A tar.gz; the content of a link is where it leads.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        // The library refuses names that lead out; an attacker would not.
        let name = header.as_gnu_mut().context("a GNU header")?;
        name.name[..path.len()].copy_from_slice(path.as_bytes());
        let is_file = *kind == EntryType::Regular;
        if !is_file {
            name.linkname[..content.len()].copy_from_slice(content);
        }
        let content = if is_file { *content } else { &[] };
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content)?;
    }
    let mut gzip = archive.into_inner()?;
    gzip.flush()?;
    Ok(gzip.finish()?)
}
