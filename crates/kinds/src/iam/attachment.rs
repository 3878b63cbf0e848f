//! RolePolicyAttachment: a policy in force for a role.
//!
//! It has no tags and no id of its own. The external name is `<role>/<policy ARN>`, so that an edit of either is known, and
//! what was attached before is detached.

use capstan_cloud::{Clients, CloudError, Service};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Drifts, Extract, InitialName, Kind, KindMeta, Observed,
    Present, Reference, State,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::found;
use crate::refs::{Ref, Selector};

/// The kind `RolePolicyAttachment`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RolePolicyAttachment;

/// What is wanted of an attachment: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// ARN of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_arn: Option<String>,
    /// Names the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_arn_ref: Option<Ref>,
    /// Selects the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_arn_selector: Option<Selector>,
    /// Name of the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// Names the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_name_ref: Option<Ref>,
    /// Selects the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_name_selector: Option<Selector>,
}

/// What AWS says of an attachment: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// ARN of the policy that is attached.
    pub attached_policy_arn: String,
}

const REFERENCES: &[Reference] = &[
    Reference {
        value: "policyArn",
        reference: "policyArnRef",
        selector: "policyArnSelector",
        to: (super::GROUP, "Policy"),
        extract: Extract::Status("atProvider.arn"),
        many: false,
    },
    Reference {
        value: "roleName",
        reference: "roleNameRef",
        selector: "roleNameSelector",
        to: (super::GROUP, "Role"),
        extract: Extract::ExternalName,
        many: false,
    },
];

impl Kind for RolePolicyAttachment {
    const META: KindMeta = KindMeta {
        group: super::GROUP,
        version: "v1beta1",
        kind: "RolePolicyAttachment",
        plural: "rolepolicyattachments",
        create: CreateClass::Named,
        initial_external_name: InitialName::None,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn references() -> &'static [Reference] {
        REFERENCES
    }

    fn columns() -> &'static [(&'static str, &'static str)] {
        &[("POLICYARN", ".status.atProvider.attachedPolicyArn")]
    }

    async fn observe(&self, cx: &Context<'_, Self>) -> Result<Observed<Status>, CloudError> {
        let wanted = wanted(cx)?;
        let before = before(cx).filter(|before| *before != wanted);
        if let Some(before) = before
            && is_attached(cx, before).await?
        {
            return Ok(Observed::present(moved(before, wanted)));
        }
        if !is_attached(cx, wanted).await? {
            return Ok(Observed::Absent);
        }
        let status = Status { attached_policy_arn: wanted.policy.to_owned() };
        Ok(Observed::present(Present {
            external_name: Some(wanted.id()),
            ..Present::new(status, State::Ready)
        }))
    }

    async fn create(&self, cx: &Context<'_, Self>) -> Result<Created, CloudError> {
        let wanted = wanted(cx)?;
        attach(cx, wanted).await?;
        Ok(Created::with_id(wanted.id()))
    }

    async fn update(&self, cx: &Context<'_, Self>, _: &[Drift]) -> Result<(), CloudError> {
        let wanted = wanted(cx)?;
        attach(cx, wanted).await?;
        match before(cx).filter(|before| *before != wanted) {
            Some(before) => detach(cx, before).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        if let Some(before) = before(cx) {
            detach(cx, before).await?;
        }
        detach(cx, wanted(cx)?).await
    }
}

/// A role and a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair<'a> {
    role: &'a str,
    policy: &'a str,
}

impl Pair<'_> {
    fn id(self) -> String {
        format!("{}/{}", self.role, self.policy)
    }
}

fn wanted<'a>(cx: &Context<'a, RolePolicyAttachment>) -> Result<Pair<'a>, CloudError> {
    match (&cx.spec.role_name, &cx.spec.policy_arn) {
        (Some(role), Some(policy)) => Ok(Pair { role, policy }),
        _ => {
            let message = "spec.forProvider needs a role and a policy: roleName or roleNameRef, policyArn or policyArnRef";
            Err(CloudError::invalid("iam", "AttachRolePolicy", message))
        }
    }
}

/// What was attached last, by the external name; one that somebody else wrote says nothing.
fn before<'a>(cx: &Context<'a, RolePolicyAttachment>) -> Option<Pair<'a>> {
    pair(cx.external_name?)
}

fn pair(id: &str) -> Option<Pair<'_>> {
    let (role, policy) = id.split_once('/')?;
    policy.starts_with("arn:").then_some(Pair { role, policy })
}

/// What is there is another pair than what is wanted.
fn moved(before: Pair<'_>, wanted: Pair<'_>) -> Present<Status> {
    let mut drifts = Drifts::new();
    drifts.field("roleName", Some(&wanted.role), Some(&before.role));
    drifts.field("policyArn", Some(&wanted.policy), Some(&before.policy));
    let status = Status { attached_policy_arn: before.policy.to_owned() };
    Present { diff: drifts.into_vec(), ..Present::new(status, State::Ready) }
}

async fn is_attached(
    cx: &Context<'_, RolePolicyAttachment>,
    pair: Pair<'_>,
) -> Result<bool, CloudError> {
    let mut marker = None;
    loop {
        let request =
            cx.clients.iam().list_attached_role_policies().role_name(pair.role).set_marker(marker);
        let answer =
            cx.clients.call(Service::Iam, "ListAttachedRolePolicies", request.send()).await;
        // Without the role there is no attachment.
        let Some(page) = found(answer)? else { return Ok(false) };
        if page.attached_policies().iter().any(|policy| policy.policy_arn() == Some(pair.policy)) {
            return Ok(true);
        }
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(false);
        }
    }
}

async fn attach(cx: &Context<'_, RolePolicyAttachment>, pair: Pair<'_>) -> Result<(), CloudError> {
    let request =
        cx.clients.iam().attach_role_policy().role_name(pair.role).policy_arn(pair.policy);
    cx.clients.call(Service::Iam, "AttachRolePolicy", request.send()).await.map(drop)
}

async fn detach(cx: &Context<'_, RolePolicyAttachment>, pair: Pair<'_>) -> Result<(), CloudError> {
    let request =
        cx.clients.iam().detach_role_policy().role_name(pair.role).policy_arn(pair.policy);
    found(cx.clients.call(Service::Iam, "DetachRolePolicy", request.send()).await).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Pair, moved, pair};

    #[test]
    fn an_external_name_is_a_pair() {
        let attached = Pair { role: "r", policy: "arn:aws:iam::1:policy/team/p" };
        assert_eq!(pair(&attached.id()), Some(attached));
        assert_eq!(pair("metadata-name"), None, "Crossplane writes the object's name");
    }

    #[test]
    fn an_edit_is_a_drift_of_what_was_attached() {
        let (before, wanted) =
            (Pair { role: "r", policy: "arn:a" }, Pair { role: "r", policy: "arn:b" });
        let present = moved(before, wanted);
        assert_eq!(present.diff.len(), 1);
        assert_eq!(
            (present.diff[0].field.as_str(), present.diff[0].immutable),
            ("policyArn", false)
        );
        assert_eq!(present.external_name, None, "the record follows when it is done");
    }
}
