//! What SOPS encrypted with a key of AWS KMS.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::aws::ACCOUNT;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::account::{account, role, with_trust};
use crate::unit::Unit;

const REGION: &str = "eu-central-1";
const BUILD: &str = "resources: []
generatorOptions: {disableNameSuffixHash: true}
secretGenerator: [{name: NAME, files: [secret.yaml]}]
";

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("kms-account", by_account(stage).boxed()),
        ("kms-role", by_role(stage).boxed()),
        ("kms-keys", by_keys(stage).boxed()),
        ("kms-nobody", by_nobody(stage).boxed()),
    ]
}

fn fixture(path: &str) -> Result<String> {
    let folder = Path::new("../../crates/sops/tests/fixtures");
    std::fs::read_to_string(folder.join(path)).with_context(|| path.to_owned())
}

/// A file of the real sops whose data key is encrypted by a new key of KMS; gives its text and the ARN of the key.
async fn encrypted(stage: &Stage, with_role: Option<&str>) -> Result<(String, String)> {
    let client = stage.kit.aws.client().in_region(REGION);
    let made = client.json("kms", "TrentService.CreateKey", &json!({})).await?;
    let arn = made.pointer("/KeyMetadata/Arn").and_then(Value::as_str).context("an ARN")?;
    let file = fixture("encrypted/kms.yaml")?;
    let (before, rest) = file.split_once("          enc: ").context("enc")?;
    let (enc, after) = rest.split_once('\n').context("a line")?;
    // The service that encrypted it turned its bytes around.
    let data_key: Vec<u8> = STANDARD.decode(enc)?.into_iter().rev().collect();
    let ask = json!({"KeyId": arn, "Plaintext": STANDARD.encode(data_key), "EncryptionContext": {"team": "shop"}});
    let answer = client.json("kms", "TrentService.Encrypt", &ask).await?;
    let enc = answer["CiphertextBlob"].as_str().context("a ciphertext")?;
    let role = with_role.map(|role| format!("          role: {role}\n")).unwrap_or_default();
    let text = format!("{before}{role}          enc: {enc}\n{after}");
    let text = text.replace("arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d", arn);
    Ok((text, arn.to_owned()))
}

async fn unit<'a>(stage: &'a Stage, name: &'static str, secret: &str) -> Result<Unit<'a>> {
    let build = BUILD.replace("NAME", name);
    Unit::begin(stage, name, &[("kustomization.yaml", &build), ("secret.yaml", secret)]).await
}

fn decryption(account: &str) -> Value {
    json!({"targetNamespace": NAMESPACE,
        "decryption": {"provider": "sops", "serviceAccountName": account}})
}

async fn is_decrypted(unit: &Unit<'_>) -> Result<()> {
    unit.applied().await?;
    let wanted = STANDARD.encode(fixture("decrypted/kms.yaml")?);
    let applied = unit.secret(unit.name, "secret.yaml").await?;
    ensure!(applied.as_deref() == Some(&*wanted), "applied: {applied:?}");
    Ok(())
}

/// A ServiceAccount is named that is not there, then has no role, then one that may do nothing, then one that may.
async fn by_account(stage: &Stage) -> Result<()> {
    let name = "kms-account";
    let (secret, key) = encrypted(stage, None).await?;
    let unit = unit(stage, name, &secret).await?;
    unit.set(decryption(name)).await?;
    let absent = ["failed to get service account 'flux-system/kms-account': not found"];
    unit.refused("BuildFailed", &absent).await?;
    ensure!(unit.secret(name, "secret.yaml").await?.is_none(), "a ciphertext was applied");
    account(stage, name, None).await?;
    let words = ["invalid eks.amazonaws.com/role-arn annotation: ''", "must match ^arn:aws"];
    unit.refused("BuildFailed", &words).await?;
    let denied = role(stage, "kms-nothing", &[]).await?;
    account(stage, name, Some(&denied)).await?;
    let words = [
        "failed to create provider access token for service account 'flux-system/kms-account'",
        "AssumeRoleWithWebIdentity was denied",
        "trust policy",
    ];
    unit.refused("BuildFailed", &words).await?;
    let arn = role(stage, name, &[]).await?;
    account(stage, name, Some(&arn)).await?;
    let words = ["failed to decrypt sops data key with AWS KMS", "kms Decrypt was denied", &key];
    unit.refused("BuildFailed", &words).await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}]});
    let client = stage.kit.aws.client();
    client.iam_put_role_policy(name, "decrypts", &policy.to_string()).await?;
    is_decrypted(&unit).await?;
    let session = "assumed-role/kms-account/kms-account.flux-system.eu-central-1.fluxcd.io";
    ensure!(stage.kit.aws.calls_of("Decrypt", session) > 0, "somebody else decrypted");
    Ok(())
}

/// The file names a role, which the ServiceAccount's own role takes on.
async fn by_role(stage: &Stage) -> Result<()> {
    let (name, other) = ("kms-role", "kms-role-of-file");
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{other}");
    let (secret, _) = encrypted(stage, Some(&arn)).await?;
    let first = role(stage, name, &[("sts:AssumeRole", &arn)]).await?;
    account(stage, name, Some(&first)).await?;
    let unit = unit(stage, name, &secret).await?;
    unit.set(decryption(name)).await?;
    let words = [&*format!("failed to assume role '{arn}'"), "AccessDenied"];
    unit.refused("BuildFailed", &words).await?;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}]});
    with_trust(stage, other, &trust, &[("kms:Decrypt", "*")]).await?;
    is_decrypted(&unit).await?;
    ensure!(stage.kit.aws.calls_of("Decrypt", "assumed-role/kms-role-of-file/") > 0, "as whom?");
    Ok(())
}

/// The Secret holds keys of a user; wrong ones first.
async fn by_keys(stage: &Stage) -> Result<()> {
    let name = "kms-keys";
    let keys = async |id: &str, secret: &str| {
        let text = format!("aws_access_key_id: {id}\naws_secret_access_key: {secret}\n");
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": {"sops.aws-kms": text}});
        stage.apply(&secret.to_string()).await
    };
    let (secret, _) = encrypted(stage, None).await?;
    let unit = unit(stage, "kms-by-keys", &secret).await?;
    keys("AKIDWRONG", "hunter2hunter2").await?;
    unit.set(json!({"targetNamespace": NAMESPACE,
        "decryption": {"provider": "sops", "secretRef": {"name": name}}}))
        .await?;
    let said = unit.refused("BuildFailed", &["kms Decrypt was denied"]).await?;
    ensure!(!said.contains("hunter2"), "a key was printed: {said}");
    keys("''", "''").await?;
    unit.refused("BuildFailed", &["static credentials are empty"]).await?;
    let root = stage.kit.aws.root_keys();
    keys(&root.access_key, &root.secret_key).await?;
    is_decrypted(&unit).await
}

/// Nobody is named, and the agent itself has no identity.
async fn by_nobody(stage: &Stage) -> Result<()> {
    let (secret, _) = encrypted(stage, None).await?;
    let unit = unit(stage, "kms-nobody", &secret).await?;
    unit.set(json!({"targetNamespace": NAMESPACE, "decryption": {"provider": "sops"}})).await?;
    let words = ["failed to create provider access token for the controller"];
    unit.refused("BuildFailed", &words).await.map(drop)
}
