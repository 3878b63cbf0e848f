//! Units that apply as somebody, or somewhere, and cannot.

use anyhow::Result;
use capstan_e2e::stage::{NAMESPACE, Stage};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{Case, config_map, secret};
use crate::leaks::KUBECONFIG_TOKEN;

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("target-forbidden", forbidden(stage).boxed()),
        ("target-no-account", no_account(stage).boxed()),
        ("target-no-kubeconfig", no_kubeconfig(stage).boxed()),
        ("target-odd-kubeconfig", odd_kubeconfig(stage).boxed()),
        ("target-kubeconfig-program", kubeconfig_with_program(stage).boxed()),
        ("target-away", away(stage).boxed()),
    ]
}

const REASON: &str = "ReconciliationFailed";

fn account(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE}})
}

/// All rights in the namespace of a case.
fn grant(name: &str) -> String {
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": name, "namespace": name},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]});
    format!("{role}\n---\n{binding}")
}

async fn forbidden(stage: &Stage) -> Result<()> {
    let name = "target-forbidden";
    let case = Case::begin(stage, name, &[]).await?;
    stage.apply(&account(name).to_string()).await?;
    case.set_unit(json!({"serviceAccountName": name, "retryInterval": "2s"})).await?;
    let user = "system:serviceaccount:flux-system:target-forbidden";
    case.refused(REASON, &["ConfigMap/target-forbidden/kept", "Forbidden", user, "Grant"]).await?;
    let more = config_map(name, "more", "x");
    let commit = case.push(&[("more.yaml", Some(&more))]).await?;
    case.neighbour_follows(&commit).await?;
    case.refused(REASON, &["ConfigMap/target-forbidden/more", user]).await?;
    // Nothing but the permission: the unit tries again by itself.
    stage.apply(&grant(name)).await?;
    case.mended(&commit).await
}

async fn no_account(stage: &Stage) -> Result<()> {
    let name = "target-no-account";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(json!({"serviceAccountName": name, "retryInterval": "2s"})).await?;
    let says =
        &["ServiceAccount 'flux-system/target-no-account' not found", "spec.serviceAccountName"];
    case.refused(REASON, says).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    stage.apply(&format!("{}\n---\n{}", account(name), grant(name))).await?;
    case.mended(&commit).await
}

fn kubeconfig(name: &str) -> Value {
    json!({"kubeConfig": {"secretRef": {"name": name}}})
}

async fn no_kubeconfig(stage: &Stage) -> Result<()> {
    let name = "target-no-kubeconfig";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(kubeconfig(name)).await?;
    let says =
        &["'flux-system/target-no-kubeconfig' not found", "create it", "spec.kubeConfig.secretRef"];
    case.refused(REASON, says).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    // The Secret comes, with the wrong key; then with the right one.
    stage.apply(&secret(name, &[("config", "x")])).await?;
    case.refused(REASON, &["'flux-system/target-no-kubeconfig'", "value", "value.yaml"]).await?;
    let good = std::fs::read_to_string(stage.kit.management().kubeconfig())?;
    stage.apply(&secret(name, &[("value", &good)])).await?;
    case.mended(&commit).await
}

async fn odd_kubeconfig(stage: &Stage) -> Result<()> {
    let name = "target-odd-kubeconfig";
    let case = Case::begin(stage, name, &[]).await?;
    let odd = format!("users: [{{name: x, user: {{token: {KUBECONFIG_TOKEN}}}\n");
    stage.apply(&secret(name, &[("value", &odd)])).await?;
    case.set_unit(kubeconfig(name)).await?;
    case.refused(REASON, &["'flux-system/target-odd-kubeconfig'", "does not parse"]).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    case.set_unit(json!({"kubeConfig": null})).await?;
    case.mended(&commit).await
}

/// A kubeconfig of somebody's Secret may not run a program in the agent's pod.
async fn kubeconfig_with_program(stage: &Stage) -> Result<()> {
    let name = "target-kubeconfig-program";
    let case = Case::begin(stage, name, &[]).await?;
    let config = remote(
        "https://127.0.0.1:1",
        &json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/true"}}),
    );
    stage.apply(&secret(name, &[("value", &config)])).await?;
    case.set_unit(kubeconfig(name)).await?;
    let says = &["'flux-system/target-kubeconfig-program'", "runs a program", "token"];
    case.refused(REASON, says).await?;
    case.set_unit(json!({"kubeConfig": null})).await?;
    case.follows_again().await
}

/// A cluster that does not answer.
async fn away(stage: &Stage) -> Result<()> {
    let name = "target-away";
    let case = Case::begin(stage, name, &[]).await?;
    let config = remote("https://127.0.0.1:1", &json!({"token": KUBECONFIG_TOKEN}));
    stage.apply(&secret(name, &[("value", &config)])).await?;
    case.set_unit(kubeconfig(name)).await?;
    case.refused(REASON, &["refused", "spec.kubeConfig"]).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    case.set_unit(json!({"kubeConfig": null})).await?;
    case.mended(&commit).await
}

fn remote(server: &str, user: &Value) -> String {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]})
    .to_string()
}
