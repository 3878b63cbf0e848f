//! Buckets of S3, opened by an identity.

use anyhow::{Result, ensure};
use capstan_e2e::look::text;
use capstan_e2e::stage::{NAMESPACE, Stage};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::account::{account, role};
use crate::source::says;

const NAME: &str = "bucket-identity";

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![("bucket-identity", opens(stage).boxed()), ("bucket-faults", faults(stage).boxed())]
}

async fn set(stage: &Stage, name: &str, more: Value) -> Result<()> {
    let endpoint = stage.kit.aws.endpoint().trim_start_matches("http://").to_owned();
    let mut spec = json!({"interval": "30m", "provider": "aws", "bucketName": name,
        "endpoint": endpoint, "insecure": true, "region": "eu-west-1"});
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
        spec.retain(|_, value| !value.is_null());
    }
    let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket",
        "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec});
    stage.apply(&source.to_string()).await
}

async fn opens(stage: &Stage) -> Result<()> {
    let client = stage.kit.aws.client().in_region("us-east-1");
    client.s3("PUT", &format!("/{NAME}"), "").await?;
    client.s3("PUT", &format!("/{NAME}/empty.yaml"), "{}").await?;
    let arn = role(stage, NAME, &[]).await?;
    account(stage, NAME, Some(&arn)).await?;
    set(stage, NAME, json!({"serviceAccountName": NAME})).await?;
    says(stage, "Bucket", NAME, "False", &["AccessDenied"]).await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    stage.kit.aws.client().iam_put_role_policy(NAME, "reads", &policy.to_string()).await?;
    let stored = says(stage, "Bucket", NAME, "True", &[]).await?;
    ensure!(text(&stored, "/status/artifact/revision").starts_with("sha256:"));
    let session = "bucket-identity.flux-system.eu-west-1.fluxcd.io";
    ensure!(!stage.kit.aws.calls_by(session).is_empty(), "somebody else asked");
    Ok(())
}

async fn faults(stage: &Stage) -> Result<()> {
    let name = "bucket-faults";
    let cases: [(&str, Value, &[&str]); 5] = [
        (
            "nobody",
            json!({}),
            &[
                "AWS authentication failed: failed to create provider access token for the controller",
            ],
        ),
        ("no-account", json!({"serviceAccountName": name}), &["service account", "not found"]),
        (
            "no-region",
            json!({"serviceAccountName": name, "region": null}),
            &["an AWS region is required for authenticating with a service account"],
        ),
        (
            "odd-sts",
            json!({"sts": {"provider": "aws", "endpoint": "https://evil.example"}}),
            &["invalid STS endpoint: 'https://evil.example'. must match ^https://"],
        ),
        (
            "ldap",
            json!({"provider": "generic", "sts": {"provider": "ldap", "endpoint": "https://a"}}),
            &["'ldap' is not supported", "spec.secretRef"],
        ),
    ];
    for (part, more, words) in cases {
        let name = format!("{name}-{part}");
        set(stage, &name, more).await?;
        says(stage, "Bucket", &name, "False", words).await?;
    }
    Ok(())
}
