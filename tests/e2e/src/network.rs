//! A small composite of its own for the tests of the hub: a network, a role and a table in seconds, without a cluster.

use anyhow::Result;
use capstan_model::GroupVersionKind;
use serde_json::{Value, json};

use crate::look::kind;
use crate::stage::Stage;

/// Group and version of composites and claims.
const API: &str = "test.example.com/v1alpha1";

/// The region of everything.
pub const REGION: &str = "eu-west-1";

const DEFINITION: &str = include_str!("network/definition.yaml");
const COMPOSITION: &str = include_str!("network/composition.yaml");

/// The kind of the composites.
pub fn composites() -> GroupVersionKind {
    kind(API, "XNetwork")
}

/// The kind of the claims.
pub fn claims() -> GroupVersionKind {
    kind(API, "Network")
}

/// The kinds of the children, and how AWS calls what they make.
pub fn children() -> [(GroupVersionKind, &'static str); 5] {
    [
        (vpc(), "vpc"),
        (subnet(), "subnet"),
        (role(), "role"),
        (policy(), "policy"),
        (table(), "table"),
    ]
}

/// VPC.
pub fn vpc() -> GroupVersionKind {
    kind("ec2.aws.crossplane.io/v1beta1", "VPC")
}

/// Subnet.
pub fn subnet() -> GroupVersionKind {
    kind("ec2.aws.crossplane.io/v1beta1", "Subnet")
}

/// Role.
pub fn role() -> GroupVersionKind {
    kind("iam.aws.crossplane.io/v1beta1", "Role")
}

/// Policy.
pub fn policy() -> GroupVersionKind {
    kind("iam.aws.crossplane.io/v1beta1", "Policy")
}

/// Table.
pub fn table() -> GroupVersionKind {
    kind("dynamodb.aws.crossplane.io/v1alpha1", "Table")
}

/// Gives the hub its role, the ProviderConfig, the XRD and the Composition.
pub async fn set_up(stage: &Stage) -> Result<()> {
    let provider = format!(
        "{}---\n{}",
        crate::fleet::provider("service-account.yaml")?,
        crate::fleet::provider("provider-config.yaml")?
    );
    stage.apply(&provider).await?;
    stage.apply(&format!("{DEFINITION}---\n{COMPOSITION}")).await
}

/// A composite; its children are named after it.
pub fn composite(name: &str, cidr: &str) -> Value {
    json!({"apiVersion": API, "kind": "XNetwork", "metadata": {"name": name},
        "spec": {"parameters": {"cidr": cidr, "size": "small"}}})
}

/// A claim in the namespace `default`.
pub fn claim(name: &str, cidr: &str) -> Value {
    json!({"apiVersion": API, "kind": "Network",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"parameters": {"cidr": cidr, "size": "small"},
            "writeConnectionSecretToRef": {"name": format!("{name}-network")}}})
}
