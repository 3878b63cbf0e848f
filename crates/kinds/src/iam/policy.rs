//! Policy: a customer-managed policy and its default version.

use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::aws_sdk_iam::types::Policy as SdkPolicy;
use capstan_cloud::{Clients, CloudError, Service};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Drifts, InitialName, Kind, KindMeta, Observed, Present,
    State,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{policy_document, tags};
use crate::aws::{found, tag_change, timestamp, touches};

/// The kind `Policy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy;

/// IAM keeps so many versions of a policy, the default one included.
const MOST_VERSIONS: usize = 5;

/// What is wanted of a policy: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// What it is for; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it allows and denies, as a policy document.
    pub document: String,
    /// Name of the policy; cannot change.
    pub name: String,
    /// Path of the policy; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Tags; keys that we did not set are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<tags::Tag>,
}

/// What AWS says of a policy: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// How many users, groups and roles have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment_count: Option<i32>,
    /// The version that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_version_id: Option<String>,
    /// Can it be attached?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_attachable: Option<bool>,
    /// How many use it as a boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_usage_count: Option<i32>,
    /// Its unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<String>,
}

impl Kind for Policy {
    const META: KindMeta = KindMeta {
        group: super::GROUP,
        version: "v1beta1",
        kind: "Policy",
        plural: "policies",
        create: CreateClass::Named,
        initial_external_name: InitialName::None,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn columns() -> &'static [(&'static str, &'static str)] {
        &[("ARN", ".status.atProvider.arn")]
    }

    fn tags(spec: &Spec) -> BTreeMap<String, String> {
        tags::wanted(&spec.tags)
    }

    async fn observe(&self, cx: &Context<'_, Self>) -> Result<Observed<Status>, CloudError> {
        let arn = arn(cx).await?;
        let request = cx.clients.iam().get_policy().policy_arn(&arn);
        let answer = found(cx.clients.call(Service::Iam, "GetPolicy", request.send()).await)?;
        let Some(policy) = answer.and_then(|answer| answer.policy) else {
            return Ok(Observed::Absent);
        };
        let Some(version) = policy.default_version_id() else { return Ok(Observed::Absent) };
        let request = cx.clients.iam().get_policy_version().policy_arn(&arn).version_id(version);
        let answer = cx.clients.call(Service::Iam, "GetPolicyVersion", request.send()).await?;
        let document = answer.policy_version.and_then(|version| version.document);
        let document = document.unwrap_or_default();
        Ok(Observed::present(present(cx.spec, &policy, &document, &arn, cx.applied_tags)))
    }

    async fn create(&self, cx: &Context<'_, Self>) -> Result<Created, CloudError> {
        check(cx.spec)?;
        let wanted = Some(tags::for_create(&Self::tags(cx.spec), cx.uid));
        match create(cx, wanted).await {
            Err(error) if tags::may_be_left_out(&cx.spec.tags, &error, "TagPolicy") => {
                create(cx, None).await
            }
            created => created,
        }
    }

    async fn update(&self, cx: &Context<'_, Self>, diff: &[Drift]) -> Result<(), CloudError> {
        let arn = arn(cx).await?;
        let (clients, iam) = (cx.clients, cx.clients.iam());
        if touches(diff, "document") {
            check(cx.spec)?;
            make_room(cx, &arn).await?;
            let request = iam
                .create_policy_version()
                .policy_arn(&arn)
                .policy_document(policy_document::compact(&cx.spec.document))
                .set_as_default(true);
            clients.call(Service::Iam, "CreatePolicyVersion", request.send()).await?;
        }
        let Some(change) = tag_change(&Self::tags(cx.spec), cx.applied_tags, diff) else {
            return Ok(());
        };
        if !change.set.is_empty() {
            let request = iam.tag_policy().policy_arn(&arn).set_tags(Some(tags::sdk(&change.set)));
            clients.call(Service::Iam, "TagPolicy", request.send()).await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.into_iter().collect();
            let request = iam.untag_policy().policy_arn(&arn).set_tag_keys(Some(keys));
            clients.call(Service::Iam, "UntagPolicy", request.send()).await?;
        }
        Ok(())
    }

    async fn delete(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        let arn = arn(cx).await?;
        for (version, is_default) in versions(cx, &arn).await? {
            if !is_default {
                delete_version(cx, &arn, &version).await?;
            }
        }
        let request = cx.clients.iam().delete_policy().policy_arn(&arn);
        found(cx.clients.call(Service::Iam, "DeletePolicy", request.send()).await).map(drop)
    }
}

fn check(spec: &Spec) -> Result<(), CloudError> {
    policy_document::check("document", &spec.document)
}

/// The ARN: the external name, or what it will be, since account, path and name decide it.
async fn arn(cx: &Context<'_, Policy>) -> Result<String, CloudError> {
    if let Some(arn) = cx.external_name {
        return Ok(arn.to_owned());
    }
    let account = cx.clients.account_id().await?;
    let path = cx.spec.path.as_deref().unwrap_or("/");
    Ok(format!("arn:{}:iam::{account}:policy{path}{}", cx.clients.partition(), cx.spec.name))
}

async fn create(
    cx: &Context<'_, Policy>,
    tags: Option<Vec<capstan_cloud::aws_sdk_iam::types::Tag>>,
) -> Result<Created, CloudError> {
    let request = cx
        .clients
        .iam()
        .create_policy()
        .policy_name(&cx.spec.name)
        .policy_document(policy_document::compact(&cx.spec.document))
        .set_description(cx.spec.description.clone())
        .set_path(cx.spec.path.clone())
        .set_tags(tags);
    let answer = cx.clients.call(Service::Iam, "CreatePolicy", request.send()).await?;
    Ok(Created { external_name: answer.policy.and_then(|policy| policy.arn) })
}

/// Id of each version, oldest first, and whether it is the default one.
async fn versions(cx: &Context<'_, Policy>, arn: &str) -> Result<Vec<(String, bool)>, CloudError> {
    let request = cx.clients.iam().list_policy_versions().policy_arn(arn);
    let answer = cx.clients.call(Service::Iam, "ListPolicyVersions", request.send()).await;
    let mut versions = found(answer)?.and_then(|answer| answer.versions).unwrap_or_default();
    versions.sort_by_key(|version| version.create_date.map(|date| date.secs()));
    let known = versions.into_iter().filter_map(|v| Some((v.version_id?, v.is_default_version)));
    Ok(known.collect())
}

/// Removes the oldest version that does not count, where there is no room for another.
async fn make_room(cx: &Context<'_, Policy>, arn: &str) -> Result<(), CloudError> {
    let versions = versions(cx, arn).await?;
    let oldest = versions.iter().find(|(_, is_default)| !is_default);
    match oldest {
        Some((version, _)) if versions.len() >= MOST_VERSIONS => {
            delete_version(cx, arn, version).await
        }
        _ => Ok(()),
    }
}

async fn delete_version(
    cx: &Context<'_, Policy>,
    arn: &str,
    version: &str,
) -> Result<(), CloudError> {
    let request = cx.clients.iam().delete_policy_version().policy_arn(arn).version_id(version);
    found(cx.clients.call(Service::Iam, "DeletePolicyVersion", request.send()).await).map(drop)
}

fn present(
    spec: &Spec,
    policy: &SdkPolicy,
    document: &str,
    arn: &str,
    applied: &BTreeSet<String>,
) -> Present<Status> {
    let status = Status {
        arn: policy.arn.clone(),
        attachment_count: policy.attachment_count,
        default_version_id: policy.default_version_id.clone(),
        is_attachable: Some(policy.is_attachable),
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        policy_id: policy.policy_id.clone(),
    };
    let mut drifts = Drifts::new();
    if !policy_document::same(&spec.document, document) {
        let found = policy_document::url_decoded(document);
        drifts.push("document", &spec.document, found, false);
    }
    drifts.immutable("name", Some(&spec.name), policy.policy_name.as_ref());
    drifts.immutable("path", spec.path.as_ref(), policy.path.as_ref());
    drifts.immutable("description", spec.description.as_ref(), policy.description.as_ref());
    drifts.extend(tags::drift(&spec.tags, policy.tags(), applied));
    Present {
        diff: drifts.into_vec(),
        owner: tags::owner(policy.tags()),
        created_at: policy.create_date.as_ref().and_then(timestamp),
        external_name: Some(arn.to_owned()),
        ..Present::new(status, State::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::{SdkPolicy, Spec, present};
    use capstan_cloud::aws_sdk_iam::types::Tag;
    use capstan_provision::Owner;
    use capstan_provision::tags::OWNER_TAG;
    use std::collections::BTreeSet;

    #[test]
    fn a_policy_is_compared_by_meaning_and_names_its_owner() {
        let spec = Spec {
            name: "a".to_owned(),
            document: "{\"Version\":\"2012-10-17\",\"Statement\":[]}".to_owned(),
            ..Spec::default()
        };
        let tag = Tag::builder().key(OWNER_TAG).value("uid").build().expect("complete");
        let policy = SdkPolicy::builder().policy_name("a").arn("arn:a").tags(tag).build();
        let same = present(
            &spec,
            &policy,
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D",
            "arn:a",
            &BTreeSet::new(),
        );
        assert_eq!(same.diff, []);
        assert_eq!(same.owner, Owner::Uid("uid".to_owned()));
        assert_eq!(same.external_name.as_deref(), Some("arn:a"));
        let other = present(&spec, &policy, "{\"Statement\":[]}", "arn:a", &BTreeSet::new());
        assert_eq!(other.diff[0].field, "document");
    }
}
