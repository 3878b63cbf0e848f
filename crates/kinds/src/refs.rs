//! How a manifest names other managed resources.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names one object of the kind that a field refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ref {
    /// Name of the object.
    pub name: String,
    /// When and how strictly the reference is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<RefPolicy>,
}

/// Selects objects of the kind that a field refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// Only objects with the same controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_controller_ref: Option<bool>,
    /// Only objects with these labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// When and how strictly the reference is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<RefPolicy>,
}

/// When and how strictly a reference is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefPolicy {
    /// `Required` (the default) waits for a value; `Optional` goes on without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Required", "Optional"], "default" = "Required"))]
    pub resolution: Option<String>,
    /// `Always` follows the reference even where a value is written; `IfNotPresent` is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Always", "IfNotPresent"]))]
    pub resolve: Option<String>,
}
