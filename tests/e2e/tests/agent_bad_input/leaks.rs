//! Secrets that a fault could print, and the search for them wherever the agent writes.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use capstan_e2e::look::kind;
use capstan_e2e::stage::Stage;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{Case, secret, source_kind, unit_kind};
use crate::{receivers, sources};

/// A token in kubeconfigs that do not work.
pub(crate) const KUBECONFIG_TOKEN: &str = "kubeconfig-t0ken-value";
/// Values of Secrets that variables come from: one that breaks the YAML, one that no label may have.
const BREAKS_YAML: &str = "se-cret: [broken-yaml-va1ue";
const NO_LABEL: &str = "no label va1ue!";
/// A Secret's data, in the wrong shape.
const WRONG_SHAPE: &str = "wrong-shape-va1ue";
const WRONG_TYPE: &str = "wrong-type-va1ue";

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("leak-yaml", yaml(stage).boxed()),
        ("leak-label", label(stage).boxed()),
        ("leak-shape", shape(stage).boxed()),
        ("leak-base64", wrong_type(stage).boxed()),
    ]
}

/// A unit whose variable comes from a Secret; the object that takes it is pushed.
async fn with_variable<'a>(
    stage: &'a Stage,
    name: &'static str,
    value: &str,
    object: &Value,
) -> Result<Case<'a>> {
    let case = Case::begin(stage, name, &[]).await?;
    stage.apply(&secret(name, &[("variable", value)])).await?;
    case.set_unit(json!({"postBuild": {"substituteFrom": [{"kind": "Secret", "name": name}]}}))
        .await?;
    case.ready_again().await?;
    case.push(&[("takes.yaml", Some(&object.to_string()))]).await?;
    Ok(case)
}

async fn mend(case: &Case<'_>) -> Result<()> {
    let commit = case.push(&[("takes.yaml", None)]).await?;
    case.mended(&commit).await
}

async fn yaml(stage: &Stage) -> Result<()> {
    let name = "leak-yaml";
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "takes", "namespace": name}, "data": {"value": "${variable}"}});
    let case = with_variable(stage, name, BREAKS_YAML, &object).await?;
    case.refused("BuildFailed", &["ConfigMap/leak-yaml/takes", "YAML"]).await?;
    mend(&case).await
}

async fn label(stage: &Stage) -> Result<()> {
    let name = "leak-label";
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "takes", "namespace": name, "labels": {"example": "${variable}"}}});
    let case = with_variable(stage, name, NO_LABEL, &object).await?;
    let says = &["ConfigMap/leak-label/takes", "labels", "***"];
    case.refused("ReconciliationFailed", says).await?;
    mend(&case).await
}

async fn shape(stage: &Stage) -> Result<()> {
    let name = "leak-shape";
    let case = Case::begin(stage, name, &[]).await?;
    let bad = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "takes", "namespace": name}, "data": WRONG_SHAPE});
    case.push(&[("takes.yaml", Some(&bad.to_string()))]).await?;
    case.refused("ReconciliationFailed", &["Secret/leak-shape/takes", "data", "***"]).await?;
    mend(&case).await
}

async fn wrong_type(stage: &Stage) -> Result<()> {
    let name = "leak-base64";
    let case = Case::begin(stage, name, &[]).await?;
    let bad = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "takes", "namespace": name}, "data": {"key": WRONG_TYPE}});
    case.push(&[("takes.yaml", Some(&bad.to_string()))]).await?;
    case.refused("ReconciliationFailed", &["Secret/leak-base64/takes", "base64"]).await?;
    mend(&case).await
}

/// No condition, event or log line holds any of the secrets, as text or encoded; and nothing panicked.
pub(crate) async fn nothing_was_printed(stage: &Stage) -> Result<()> {
    let password = stage.kit.git.password();
    let login = format!("{}:{password}", stage.kit.git.user());
    let secrets = [
        password,
        &login,
        sources::WRONG_PASSWORD,
        sources::URL_PASSWORD,
        receivers::TOKEN,
        receivers::WRONG_TOKEN,
        KUBECONFIG_TOKEN,
        BREAKS_YAML,
        "broken-yaml-va1ue",
        NO_LABEL,
        WRONG_SHAPE,
        WRONG_TYPE,
    ];
    let encode = |text: &&str| base64::engine::general_purpose::STANDARD.encode(text);
    let encoded: Vec<_> = secrets.iter().map(encode).collect();
    let all = || secrets.iter().copied().chain(encoded.iter().map(String::as_str));
    for (place, text) in written(stage).await? {
        for secret in all() {
            let line = text.lines().find(|line| line.contains(secret));
            ensure!(line.is_none(), "`{secret}` is in {place}: {}", line.unwrap_or_default());
        }
        let panic = text.lines().find(|line| line.contains("panicked"));
        ensure!(panic.is_none(), "{place}: {}", panic.unwrap_or_default());
    }
    Ok(())
}

/// Everything that the agent writes for people: where, and the text.
async fn written(stage: &Stage) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for path in stage.kit.pod_logs() {
        let text = std::fs::read_to_string(&path).context("a pod's log")?;
        all.push((path.display().to_string(), text));
    }
    ensure!(!all.is_empty(), "no pod has a log");
    let receivers = kind("notification.toolkit.fluxcd.io/v1", "Receiver");
    for gvk in [unit_kind(), source_kind(), receivers] {
        for object in stage.management.list(&gvk, "", "").await? {
            let status = object.value()["status"].to_string();
            all.push((format!("the status of {}", object.id()), status));
        }
    }
    let events = stage.management.list(&kind("v1", "Event"), "", "").await?;
    ensure!(!events.is_empty(), "there are no events");
    all.extend(
        events
            .iter()
            .map(|event| (format!("event {}", event.name()), event.value()["message"].to_string())),
    );
    Ok(all)
}
