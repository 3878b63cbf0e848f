//! Role: what a service or a web identity may become.

use std::collections::BTreeMap;

use capstan_cloud::aws_sdk_iam::types::Role as SdkRole;
use capstan_cloud::{Clients, CloudError, Service};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Drifts, InitialName, Kind, KindMeta, Observed, Present,
    State,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{policy_document, tags};
use crate::aws::{found, rfc3339, tag_change, timestamp, touches};

/// The kind `Role`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Role;

/// What is wanted of a role: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Who may become it, as a policy document.
    pub assume_role_policy_document: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Longest session in seconds, 3600 to 43200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_session_duration: Option<i32>,
    /// Path of the role; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// ARN of the policy that bounds its permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// Tags; keys that we did not set are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<tags::Tag>,
}

/// What AWS says of a role: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// ARN.
    pub arn: String,
    /// Its unique id, which a role of the same name made later does not have.
    #[serde(rename = "roleID")]
    pub role_id: String,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_date: Option<String>,
}

impl Kind for Role {
    const META: KindMeta = KindMeta {
        group: super::GROUP,
        version: "v1beta1",
        kind: "Role",
        plural: "roles",
        create: CreateClass::Named,
        initial_external_name: InitialName::MetadataName,
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
        let request = cx.clients.iam().get_role().role_name(name(cx));
        let answer = found(cx.clients.call(Service::Iam, "GetRole", request.send()).await)?;
        Ok(match answer.and_then(|answer| answer.role) {
            Some(role) => Observed::present(present(cx, &role)),
            None => Observed::Absent,
        })
    }

    async fn create(&self, cx: &Context<'_, Self>) -> Result<Created, CloudError> {
        check(cx.spec)?;
        let wanted = Some(tags::for_create(&Self::tags(cx.spec), cx.uid));
        match create(cx, wanted).await {
            Err(error) if tags::may_be_left_out(&cx.spec.tags, &error, "TagRole") => {
                create(cx, None).await
            }
            created => created,
        }
    }

    async fn update(&self, cx: &Context<'_, Self>, diff: &[Drift]) -> Result<(), CloudError> {
        let (clients, iam, spec) = (cx.clients, cx.clients.iam(), cx.spec);
        if touches(diff, "assumeRolePolicyDocument") {
            check(spec)?;
            let document = policy_document::compact(&spec.assume_role_policy_document);
            let request =
                iam.update_assume_role_policy().role_name(name(cx)).policy_document(document);
            clients.call(Service::Iam, "UpdateAssumeRolePolicy", request.send()).await?;
        }
        if touches(diff, "description") || touches(diff, "maxSessionDuration") {
            let request = iam
                .update_role()
                .role_name(name(cx))
                .set_description(spec.description.clone())
                .set_max_session_duration(spec.max_session_duration);
            clients.call(Service::Iam, "UpdateRole", request.send()).await?;
        }
        if touches(diff, "permissionsBoundary") {
            let request = iam
                .put_role_permissions_boundary()
                .role_name(name(cx))
                .set_permissions_boundary(spec.permissions_boundary.clone());
            clients.call(Service::Iam, "PutRolePermissionsBoundary", request.send()).await?;
        }
        let Some(change) = tag_change(&Self::tags(spec), cx.applied_tags, diff) else {
            return Ok(());
        };
        if !change.set.is_empty() {
            let request = iam.tag_role().role_name(name(cx)).set_tags(Some(tags::sdk(&change.set)));
            clients.call(Service::Iam, "TagRole", request.send()).await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.into_iter().collect();
            let request = iam.untag_role().role_name(name(cx)).set_tag_keys(Some(keys));
            clients.call(Service::Iam, "UntagRole", request.send()).await?;
        }
        Ok(())
    }

    async fn delete(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        let request = cx.clients.iam().delete_role().role_name(name(cx));
        found(cx.clients.call(Service::Iam, "DeleteRole", request.send()).await).map(drop)
    }
}

fn check(spec: &Spec) -> Result<(), CloudError> {
    policy_document::check("assumeRolePolicyDocument", &spec.assume_role_policy_document)
}

fn name<'a>(cx: &Context<'a, Role>) -> &'a str {
    cx.external_name.unwrap_or(cx.name)
}

async fn create(
    cx: &Context<'_, Role>,
    tags: Option<Vec<capstan_cloud::aws_sdk_iam::types::Tag>>,
) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let request = cx
        .clients
        .iam()
        .create_role()
        .role_name(name(cx))
        .assume_role_policy_document(policy_document::compact(&spec.assume_role_policy_document))
        .set_description(spec.description.clone())
        .set_max_session_duration(spec.max_session_duration)
        .set_path(spec.path.clone())
        .set_permissions_boundary(spec.permissions_boundary.clone())
        .set_tags(tags);
    cx.clients.call(Service::Iam, "CreateRole", request.send()).await?;
    Ok(Created::default())
}

fn present(cx: &Context<'_, Role>, role: &SdkRole) -> Present<Status> {
    let status = Status {
        arn: role.arn.clone(),
        role_id: role.role_id.clone(),
        create_date: rfc3339(&role.create_date),
    };
    Present {
        diff: drifts(cx.spec, role, cx.applied_tags),
        owner: tags::owner(role.tags()),
        created_at: timestamp(&role.create_date),
        ..Present::new(status, State::Ready)
    }
}

fn drifts(spec: &Spec, role: &SdkRole, applied: &std::collections::BTreeSet<String>) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let document = role.assume_role_policy_document().unwrap_or_default();
    if !policy_document::same(&spec.assume_role_policy_document, document) {
        let found = policy_document::url_decoded(document);
        drifts.push("assumeRolePolicyDocument", &spec.assume_role_policy_document, found, false);
    }
    drifts.field("description", spec.description.as_ref(), role.description.as_ref());
    drifts.field(
        "maxSessionDuration",
        spec.max_session_duration.as_ref(),
        role.max_session_duration.as_ref(),
    );
    drifts.immutable("path", spec.path.as_ref(), Some(&role.path));
    let boundary =
        role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn.clone());
    drifts.field("permissionsBoundary", spec.permissions_boundary.as_ref(), boundary.as_ref());
    drifts.extend(tags::drift(&spec.tags, role.tags(), applied));
    drifts.into_vec()
}

#[cfg(test)]
mod tests {
    use super::{SdkRole, Spec, drifts};
    use capstan_cloud::aws_sdk_iam::primitives::DateTime;
    use std::collections::BTreeSet;

    fn role(document: &str) -> SdkRole {
        SdkRole::builder()
            .arn("arn:aws:iam::1:role/a")
            .role_id("AROA")
            .role_name("a")
            .path("/")
            .create_date(DateTime::from_secs(1))
            .max_session_duration(3600)
            .assume_role_policy_document(document)
            .build()
            .expect("complete")
    }

    #[test]
    fn only_meaning_and_what_was_written_count() {
        let spec = Spec {
            assume_role_policy_document: "{\"Statement\": {\"Action\": \"sts:AssumeRole\"}}"
                .to_owned(),
            path: Some("/team/".to_owned()),
            ..Spec::default()
        };
        let same =
            role("%7B%22Statement%22%3A%5B%7B%22Action%22%3A%5B%22sts%3AAssumeRole%22%5D%7D%5D%7D");
        let fields = |role: &SdkRole| {
            let drifts = drifts(&spec, role, &BTreeSet::new());
            drifts.into_iter().map(|drift| (drift.field, drift.immutable)).collect::<Vec<_>>()
        };
        assert_eq!(fields(&same), [("path".to_owned(), true)]);
        let other = role("{\"Statement\":[]}");
        assert_eq!(fields(&other)[0], ("assumeRolePolicyDocument".to_owned(), false));
    }
}
