//! Tags of EKS: maps on both sides, set by ARN.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use capstan_cloud::{Clients, CloudError, Service};
use capstan_provision::{Drift, Owner, tags};

/// The tags of an answer, sorted.
pub(crate) fn found(tags: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whose a resource with these tags is.
pub(crate) fn owner(tags: Option<&HashMap<String, String>>) -> Owner {
    let pairs = tags.into_iter().flatten();
    Owner::from_tags(pairs.map(|(key, value)| (key.as_str(), value.as_str())))
}

/// The tags of a create call: the user's and the owner's.
pub(crate) fn at_create(wanted: &BTreeMap<String, String>, uid: &str) -> HashMap<String, String> {
    tags::with_owner(wanted, uid).into_iter().collect()
}

/// Sets and removes tags so that a drift of the field `tags` goes away.
///
/// # Errors
/// What EKS answers to TagResource and UntagResource.
pub(crate) async fn correct(
    clients: &Clients,
    arn: &str,
    wanted: &BTreeMap<String, String>,
    applied: &BTreeSet<String>,
    diff: &[Drift],
) -> Result<(), CloudError> {
    let Some(change) = crate::aws::tag_change(wanted, applied, diff) else { return Ok(()) };
    if !change.set.is_empty() {
        let tags = Some(change.set.into_iter().collect());
        let request = clients.eks().tag_resource().resource_arn(arn).set_tags(tags);
        clients.call(Service::Eks, "TagResource", request.send()).await?;
    }
    if !change.remove.is_empty() {
        let keys = Some(change.remove.into_iter().collect());
        let request = clients.eks().untag_resource().resource_arn(arn).set_tag_keys(keys);
        clients.call(Service::Eks, "UntagResource", request.send()).await?;
    }
    Ok(())
}
