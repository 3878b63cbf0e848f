//! Secrets lie encrypted in Git: with the keys they are applied in plain text, without them nothing of them is.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_model::Manifest;
use futures::FutureExt;
use serde_json::json;

use crate::Named;
use crate::case::{Case, secret, unit_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("sops-age", decrypts(stage).boxed()),
        ("sops-keys", wrong_keys(stage).boxed()),
        ("sops-gate", gate(stage).boxed()),
    ]
}

/// What the real sops encrypted, and the keys to it.
fn fixture(path: &str) -> Result<String> {
    let folder = Path::new("../../crates/sops/tests/fixtures");
    std::fs::read_to_string(folder.join(path)).with_context(|| path.to_owned())
}

async fn applied(case: &Case<'_>, wanted: &Manifest) -> Result<Option<Manifest>> {
    let gvk = capstan_e2e::look::kind("v1", "Secret");
    Ok(case.stage.management.get(&gvk, case.name, wanted.name()).await?)
}

async fn decrypts(stage: &Stage) -> Result<()> {
    let name = "sops-age";
    stage.apply(&secret("sops-age-keys", &[("one.agekey", &fixture("keys/one.agekey")?)])).await?;
    let case = Case::begin(stage, name, &[]).await?;
    let encrypted = fixture("encrypted/secret.yaml")?;
    let wanted = fixture("decrypted/secret.yaml")?;
    let wanted = capstan_yaml::read(&wanted, "the fixture")?.into_iter().next().context("empty")?;
    let wanted = Manifest::try_from(wanted)?;
    let before = json!({"targetNamespace": name, "decryption": null});
    case.set_unit(before).await?;
    case.push(&[("secret.yaml", Some(&encrypted))]).await?;
    case.not_ready(&unit_kind(), "BuildFailed", &["encrypted"]).await?;
    ensure!(applied(&case, &wanted).await?.is_none(), "a ciphertext was applied");
    let keys = json!({"provider": "sops", "secretRef": {"name": "sops-age-keys"}});
    case.set_unit(json!({"decryption": keys})).await?;
    case.ready_again().await?;
    let secret = applied(&case, &wanted).await?.context("not applied")?;
    let data = &secret.value()["data"];
    ensure!(data["token"] == "dG9rZW4=" && data["password"] == "Y29ycmVjdCBob3JzZQ==", "{data}");
    ensure!(secret.value().get("sops").is_none(), "what sops adds was applied");
    Ok(())
}

/// The wrong keys, no Secret, then the right ones: the unit is woken by the Secret alone.
async fn wrong_keys(stage: &Stage) -> Result<()> {
    let (name, keys) = ("sops-keys", "sops-keys-of-unit");
    let case = Case::begin(stage, name, &[]).await?;
    let decryption = json!({"provider": "sops", "secretRef": {"name": keys}});
    case.set_unit(json!({"targetNamespace": name, "decryption": decryption})).await?;
    case.refused("BuildFailed", &["decryption Secret 'flux-system/sops-keys-of-unit'"]).await?;
    stage.apply(&secret(keys, &[("two.agekey", &fixture("keys/two.agekey")?)])).await?;
    case.ready_again().await?;
    let encrypted = fixture("encrypted/secret.yaml")?;
    case.push(&[("secret.yaml", Some(&encrypted))]).await?;
    let words = ["cannot get sops data key", "failed to decrypt and format"];
    case.refused("BuildFailed", &words).await?;
    stage.apply(&secret(keys, &[("one.agekey", &fixture("keys/one.agekey")?)])).await?;
    case.ready_again().await
}

/// An identity for key services needs a feature gate.
async fn gate(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "sops-gate", &[]).await?;
    let decryption = json!({"provider": "sops", "serviceAccountName": "decryptor"});
    case.set_unit(json!({"decryption": decryption})).await?;
    let words = ["spec.decryption.serviceAccountName", "ObjectLevelWorkloadIdentity feature gate"];
    case.refused("FeatureGateDisabled", &words).await?;
    case.set_unit(json!({"decryption": null})).await?;
    case.follows_again().await
}
