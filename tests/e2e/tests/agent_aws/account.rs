//! ServiceAccounts and the roles that they may take on.

use anyhow::{Context, Result};
use capstan_e2e::look::{kind, text};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::aws::ACCOUNT;
use serde_json::{Value, json};

/// Makes a ServiceAccount; with a role, it carries EKS's annotation.
pub(crate) async fn account(stage: &Stage, name: &str, role: Option<&str>) -> Result<()> {
    let annotations = role.map(|role| json!({"eks.amazonaws.com/role-arn": role}));
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE,
            "annotations": annotations.unwrap_or_else(|| json!({}))}});
    stage.apply(&account.to_string()).await
}

/// Makes a role that the ServiceAccount of its name may take on, and that may do this; gives its ARN.
pub(crate) async fn role(stage: &Stage, name: &str, allowed: &[(&str, &str)]) -> Result<String> {
    let provider = provider(stage).await?;
    let subject = format!("system:serviceaccount:{NAMESPACE}:{name}");
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{provider}:aud"): "sts.amazonaws.com", format!("{provider}:sub"): subject}}}]});
    with_trust(stage, name, &trust, allowed).await
}

/// Makes a role with a trust policy; gives its ARN.
pub(crate) async fn with_trust(
    stage: &Stage,
    name: &str,
    trust: &Value,
    allowed: &[(&str, &str)],
) -> Result<String> {
    let client = stage.kit.aws.client();
    let arn = client.iam_create_role(name, &trust.to_string()).await?;
    let statement = |(action, resource): &(&str, &str)| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let statements: Vec<_> = allowed.iter().map(statement).collect();
    if !statements.is_empty() {
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        client.iam_put_role_policy(name, "allowed", &policy).await?;
    }
    Ok(arn)
}

/// The issuer of the cluster's tokens, as trust policies write it.
async fn provider(stage: &Stage) -> Result<String> {
    let facts = stage.management.get(&kind("v1", "ConfigMap"), NAMESPACE, "cluster-info").await?;
    Ok(text(&facts.context("no facts of the cluster")?, "/data/OIDC_PROVIDER"))
}
