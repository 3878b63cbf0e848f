//! What users write and what AWS answers, with the field names of provider-aws.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::Tag;
use crate::refs::{Ref, Selector};

/// What is wanted of an internet gateway: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// AWS region, such as `eu-west-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// VPC that it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Names the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id_ref: Option<Ref>,
    /// Selects the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id_selector: Option<Selector>,
}

/// What AWS says of an internet gateway: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// VPCs that it is attached to: one at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Attachment>>,
    /// Id of the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internet_gateway_id: Option<String>,
    /// Account that owns it.
    #[serde(rename = "ownerID", skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
}

/// A VPC that the gateway is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `available` when attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["available", "attaching", "attached", "detaching", "detached"]))]
    pub attachment_status: Option<String>,
    /// VPC that it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
}
