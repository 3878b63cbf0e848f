use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::CloudError;
use capstan_cloud::aws_sdk_iam::types::Tag as SdkTag;
use capstan_provision::{Owner, tags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// Key.
    pub key: String,
    /// Value; empty when absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// The tags of a manifest as a map.
pub(super) fn wanted(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// The tags of an answer as a map.
pub(super) fn live(tags: &[SdkTag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// Whose a resource with these tags is.
pub(super) fn owner(tags: &[SdkTag]) -> Owner {
    Owner::from_tags(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// The tags of a create call: the user's and the owner's.
pub(super) fn for_create(wanted: &BTreeMap<String, String>, uid: &str) -> Vec<SdkTag> {
    sdk(&tags::with_owner(wanted, uid))
}

/// May a create go without its tags? Where only tagging is denied, and the user wants none: then the age of what is made says
/// whose it is.
pub(super) fn may_be_left_out(wanted: &[Tag], error: &CloudError, action: &str) -> bool {
    error.is_denied() && error.message.contains(action) && wanted.is_empty()
}

pub(super) fn sdk(tags: &BTreeMap<String, String>) -> Vec<SdkTag> {
    let tag = |(key, value): (&String, &String)| {
        SdkTag::builder().key(key).value(value).build().expect("key and value are set")
    };
    tags.iter().map(tag).collect()
}

/// The drift of the field `tags`.
pub(super) fn drift(
    wanted: &[Tag],
    found: &[SdkTag],
    applied: &BTreeSet<String>,
) -> Option<capstan_provision::Drift> {
    tags::drift(&self::wanted(wanted), &live(found), applied)
}
