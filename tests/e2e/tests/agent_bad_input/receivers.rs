//! Webhooks that are not to be believed, and Receivers that cannot work.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{condition, kind, text};
use capstan_e2e::stage::{NAMESPACE, Stage, ready, says};
use capstan_kit::WebHook;
use capstan_model::GroupVersionKind;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{Case, SOON, secret, source_kind};

/// The right token, and one that is not.
pub(crate) const TOKEN: &str = "right-receiver-t0ken";
pub(crate) const WRONG_TOKEN: &str = "wrong-receiver-t0ken";

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("receiver-signature", signature(stage).boxed()),
        ("receiver-no-secret", no_secret(stage).boxed()),
        ("receiver-no-resource", no_resource(stage).boxed()),
    ]
}

fn receiver_kind() -> GroupVersionKind {
    kind("notification.toolkit.fluxcd.io/v1", "Receiver")
}

fn receiver(name: &str, resources: &[&str]) -> String {
    let resources: Vec<Value> =
        resources.iter().map(|name| json!({"kind": "GitRepository", "name": name})).collect();
    json!({"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"type": "generic-hmac", "secretRef": {"name": name}, "resources": resources}})
    .to_string()
}

/// Where the agent receives.
async fn url(stage: &Stage, path: &str) -> Result<String> {
    let pods = stage.management.list(&kind("v1", "Pod"), NAMESPACE, "app=capstan-agent").await?;
    let pod = pods.iter().find(|pod| condition(pod, "Ready")).context("no agent is ready")?;
    Ok(format!("http://{}:9292{path}", text(pod, "/status/podIP")))
}

/// Pushes to a repository of its own whose only hook this is; gives the answer.
async fn answer(stage: &Stage, name: &str, url: String, token: &str) -> Result<u16> {
    let repo = stage.kit.git.repo(name).await?;
    repo.add_hook(WebHook { url, token: token.to_owned() });
    repo.commit_files("main", &[("file", Some("text"))], "a push").await?;
    let delivered = || async { repo.deliveries().pop().ok_or("nothing was delivered") };
    let delivery = capstan_kit::wait_until("the hook's answer", SOON, delivered).await?;
    delivery.outcome.map_err(anyhow::Error::msg)
}

async fn signature(stage: &Stage) -> Result<()> {
    let name = "receiver-signature";
    let case = Case::begin(stage, name, &[]).await?;
    stage.apply(&secret(name, &[("token", TOKEN)])).await?;
    stage.apply(&receiver(name, &[name])).await?;
    let live = ready(&stage.management, &receiver_kind(), (NAMESPACE, name)).await?;
    let path = text(&live, "/status/webhookPath");
    let commit = case.unseen().await?;
    let before = case.get(&source_kind()).await?;
    let hook = url(stage, &path).await?;
    let wrong = answer(stage, "hook-wrong", hook.clone(), WRONG_TOKEN).await?;
    ensure!(wrong == 400, "a wrong signature is answered with {wrong}");
    let elsewhere = url(stage, &format!("{path}0")).await?;
    let unknown = answer(stage, "hook-unknown", elsewhere, TOKEN).await?;
    ensure!(unknown == 404, "an unknown path is answered with {unknown}");
    let after = case.get(&source_kind()).await?;
    ensure!(after.resource_version() == before.resource_version(), "it was touched: {after:?}");
    let right = answer(stage, "hook-right", hook, TOKEN).await?;
    ensure!(right == 200, "the right signature is answered with {right}");
    case.mended(&commit).await
}

async fn no_secret(stage: &Stage) -> Result<()> {
    let name = "receiver-no-secret";
    let place = (NAMESPACE, name);
    stage.apply(&receiver(name, &["x"])).await?;
    let not_found = ("Ready", "False", "TokenNotFound");
    let message = says(&stage.management, &receiver_kind(), place, not_found).await?;
    for word in ["'flux-system/receiver-no-secret'", "not found", "spec.secretRef"] {
        ensure!(message.contains(word), "no {word} in: {message}");
    }
    stage.apply(&secret(name, &[("other", "x")])).await?;
    let without_token = |message: &str| message.contains("'token'");
    capstan_kit::wait_until("the key to be named", SOON, || async {
        let message = says(&stage.management, &receiver_kind(), place, not_found).await;
        match message {
            Ok(message) if without_token(&message) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await?;
    stage.apply(&secret(name, &[("token", TOKEN)])).await?;
    ready(&stage.management, &receiver_kind(), place).await?;
    Ok(())
}

/// What is there is told, also beside what is not.
async fn no_resource(stage: &Stage) -> Result<()> {
    let name = "receiver-no-resource";
    let case = Case::begin(stage, name, &[]).await?;
    stage.apply(&secret(name, &[("token", TOKEN)])).await?;
    stage.apply(&receiver(name, &["no-such-source", name])).await?;
    let live = ready(&stage.management, &receiver_kind(), (NAMESPACE, name)).await?;
    let hook = url(stage, &text(&live, "/status/webhookPath")).await?;
    let commit = case.unseen().await?;
    let told = answer(stage, "hook-partial", hook, TOKEN).await?;
    ensure!(told == 500, "a resource that is not there is answered with {told}");
    capstan_kit::wait_until("the fetch of what is there", SOON, || async {
        let source = case.get(&source_kind()).await.map_err(|error| format!("{error:#}"))?;
        let revision = text(&source, "/status/artifact/revision");
        if revision.ends_with(&commit) { Ok(()) } else { Err(revision) }
    })
    .await?;
    Ok(())
}
