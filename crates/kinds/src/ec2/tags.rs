//! Tags of EC2: lists in the manifest, lists in AWS, maps in between.

use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::aws_sdk_ec2::types::{Filter, ResourceType, Tag as SdkTag, TagSpecification};
use capstan_cloud::{Clients, CloudError, Service};
use capstan_provision::{Drift, Owner, tags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// The tags of a manifest as a map; of a key that is written twice the last one counts.
pub(crate) fn wanted(tags: Option<&[Tag]>) -> BTreeMap<String, String> {
    tags.unwrap_or_default().iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// The tags of an answer as a map.
pub(crate) fn found(tags: Option<&[SdkTag]>) -> BTreeMap<String, String> {
    let pairs = tags.unwrap_or_default().iter();
    pairs
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())))
        .collect()
}

/// Whose a resource with these tags is.
pub(crate) fn owner(tags: Option<&[SdkTag]>) -> Owner {
    let found = found(tags);
    Owner::from_tags(found.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// The tags of a create call: the user's and the owner's.
pub(crate) fn specification(
    resource: ResourceType,
    wanted: &BTreeMap<String, String>,
    uid: &str,
) -> TagSpecification {
    let all = tags::with_owner(wanted, uid);
    TagSpecification::builder().resource_type(resource).set_tags(Some(sdk_tags(&all))).build()
}

/// Describes what carries the owner tag of an object.
pub(crate) fn owned_by(uid: &str) -> Filter {
    Filter::builder().name(format!("tag:{}", tags::OWNER_TAG)).values(uid).build()
}

/// Sets and removes tags so that a drift of the field `tags` goes away; other drifts are none of
/// its business.
///
/// # Errors
/// What EC2 answers to CreateTags and DeleteTags.
pub(crate) async fn correct(
    clients: &Clients,
    id: &str,
    wanted: &BTreeMap<String, String>,
    applied: &BTreeSet<String>,
    diff: &[Drift],
) -> Result<(), CloudError> {
    let Some(change) = crate::aws::tag_change(wanted, applied, diff) else { return Ok(()) };
    if !change.set.is_empty() {
        let tags = Some(sdk_tags(&change.set));
        let request = clients.ec2().create_tags().resources(id).set_tags(tags);
        clients.call(Service::Ec2, "CreateTags", request.send()).await?;
    }
    if !change.remove.is_empty() {
        let keys = change.remove.iter().map(|key| SdkTag::builder().key(key).build()).collect();
        let request = clients.ec2().delete_tags().resources(id).set_tags(Some(keys));
        clients.call(Service::Ec2, "DeleteTags", request.send()).await?;
    }
    Ok(())
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Vec<SdkTag> {
    tags.iter().map(|(key, value)| SdkTag::builder().key(key).value(value).build()).collect()
}

#[cfg(test)]
mod tests {
    use super::{SdkTag, Tag, found, owner, specification, wanted};
    use capstan_cloud::aws_sdk_ec2::types::ResourceType;
    use capstan_provision::{Owner, tags::OWNER_TAG};
    use std::collections::BTreeMap;

    #[test]
    fn lists_become_maps() {
        let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
        let list = [tag("Name", "a"), tag("Name", "b"), tag("x", "")];
        let map =
            BTreeMap::from([("Name".to_owned(), "b".to_owned()), ("x".to_owned(), String::new())]);
        assert_eq!(wanted(Some(&list)), map);
        assert!(wanted(None).is_empty());
        let answer =
            [SdkTag::builder().key("Name").value("b").build(), SdkTag::builder().key("x").build()];
        assert_eq!(found(Some(&answer)), map);
    }

    #[test]
    fn the_owner_tag_is_part_of_a_create() {
        let specification = specification(ResourceType::Vpc, &BTreeMap::new(), "uid-1");
        assert_eq!(specification.resource_type, Some(ResourceType::Vpc));
        assert_eq!(owner(specification.tags.as_deref()), Owner::Uid("uid-1".to_owned()));
        assert_eq!(specification.tags()[0].key(), Some(OWNER_TAG));
        assert_eq!(owner(None), Owner::Nobody);
    }
}
