//! OpenIDConnectProvider: whose ServiceAccounts IAM believes.

use std::collections::BTreeMap;

use capstan_cloud::aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput;
use capstan_cloud::{Clients, CloudError, Service};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Drifts, InitialName, Kind, KindMeta, Observed, Present,
    State,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tags;
use crate::aws::{drift, found, rfc3339, tag_change, timestamp, touches};

/// The kind `OpenIDConnectProvider`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenIdConnectProvider;

/// What is wanted of a provider: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Audiences that are accepted; not compared when absent.
    #[serde(rename = "clientIDList", skip_serializing_if = "Option::is_none")]
    pub client_id_list: Option<Vec<String>>,
    /// Tags; keys that we did not set are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<tags::Tag>,
    /// SHA-1 fingerprints of the issuer's certificate authorities.
    pub thumbprint_list: Vec<String>,
    /// URL of the issuer, beginning with https://; cannot change.
    pub url: String,
}

/// What AWS says of a provider: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// ARN.
    pub arn: String,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_date: Option<String>,
}

impl Kind for OpenIdConnectProvider {
    const META: KindMeta = KindMeta {
        group: super::GROUP,
        version: "v1beta1",
        kind: "OpenIDConnectProvider",
        plural: "openidconnectproviders",
        create: CreateClass::Named,
        initial_external_name: InitialName::None,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn columns() -> &'static [(&'static str, &'static str)] {
        &[("URL", ".spec.forProvider.url")]
    }

    fn tags(spec: &Spec) -> BTreeMap<String, String> {
        tags::wanted(&spec.tags)
    }

    async fn observe(&self, cx: &Context<'_, Self>) -> Result<Observed<Status>, CloudError> {
        let arn = arn(cx).await?;
        let request =
            cx.clients.iam().get_open_id_connect_provider().open_id_connect_provider_arn(&arn);
        let answer =
            cx.clients.call(Service::Iam, "GetOpenIDConnectProvider", request.send()).await;
        Ok(match found(answer)? {
            Some(provider) => Observed::present(Present {
                diff: drifts(cx, &provider),
                owner: tags::owner(provider.tags()),
                created_at: provider.create_date.as_ref().and_then(timestamp),
                external_name: Some(arn.clone()),
                ..Present::new(
                    Status { arn, create_date: provider.create_date.as_ref().and_then(rfc3339) },
                    State::Ready,
                )
            }),
            None => Observed::Absent,
        })
    }

    async fn create(&self, cx: &Context<'_, Self>) -> Result<Created, CloudError> {
        let request = cx
            .clients
            .iam()
            .create_open_id_connect_provider()
            .url(&cx.spec.url)
            .set_client_id_list(cx.spec.client_id_list.clone())
            .set_thumbprint_list(Some(cx.spec.thumbprint_list.clone()))
            .set_tags(Some(tags::for_create(&Self::tags(cx.spec), cx.uid)));
        let answer =
            cx.clients.call(Service::Iam, "CreateOpenIDConnectProvider", request.send()).await?;
        Ok(Created { external_name: answer.open_id_connect_provider_arn })
    }

    async fn update(&self, cx: &Context<'_, Self>, diff: &[Drift]) -> Result<(), CloudError> {
        let arn = arn(cx).await?;
        let (clients, iam) = (cx.clients, cx.clients.iam());
        if touches(diff, "thumbprintList") {
            let request = iam
                .update_open_id_connect_provider_thumbprint()
                .open_id_connect_provider_arn(&arn)
                .set_thumbprint_list(Some(cx.spec.thumbprint_list.clone()));
            let operation = "UpdateOpenIDConnectProviderThumbprint";
            clients.call(Service::Iam, operation, request.send()).await?;
        }
        if let Some(drift) = drift(diff, "clientIDList") {
            change_audiences(cx, &arn, drift).await?;
        }
        let Some(change) = tag_change(&Self::tags(cx.spec), cx.applied_tags, diff) else {
            return Ok(());
        };
        if !change.set.is_empty() {
            let request = iam
                .tag_open_id_connect_provider()
                .open_id_connect_provider_arn(&arn)
                .set_tags(Some(tags::sdk(&change.set)));
            clients.call(Service::Iam, "TagOpenIDConnectProvider", request.send()).await?;
        }
        if !change.remove.is_empty() {
            let request = iam
                .untag_open_id_connect_provider()
                .open_id_connect_provider_arn(&arn)
                .set_tag_keys(Some(change.remove.into_iter().collect()));
            clients.call(Service::Iam, "UntagOpenIDConnectProvider", request.send()).await?;
        }
        Ok(())
    }

    async fn delete(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        let arn = arn(cx).await?;
        let request =
            cx.clients.iam().delete_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let answer =
            cx.clients.call(Service::Iam, "DeleteOpenIDConnectProvider", request.send()).await;
        found(answer).map(drop)
    }
}

/// The ARN: the external name, or what it will be, since account and URL decide it.
async fn arn(cx: &Context<'_, OpenIdConnectProvider>) -> Result<String, CloudError> {
    if let Some(arn) = cx.external_name {
        return Ok(arn.to_owned());
    }
    let account = cx.clients.account_id().await?;
    Ok(format!(
        "arn:{}:iam::{account}:oidc-provider/{}",
        cx.clients.partition(),
        without_scheme(&cx.spec.url)
    ))
}

fn without_scheme(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/')
}

async fn change_audiences(
    cx: &Context<'_, OpenIdConnectProvider>,
    arn: &str,
    drift: &Drift,
) -> Result<(), CloudError> {
    let list = |value: &serde_json::Value| -> Vec<String> {
        serde_json::from_value(value.clone()).unwrap_or_default()
    };
    let (wanted, live) = (list(&drift.wanted), list(&drift.found));
    let (clients, iam) = (cx.clients, cx.clients.iam());
    for id in wanted.iter().filter(|id| !live.contains(id)) {
        let request = iam
            .add_client_id_to_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .client_id(id);
        let operation = "AddClientIDToOpenIDConnectProvider";
        clients.call(Service::Iam, operation, request.send()).await?;
    }
    for id in live.iter().filter(|id| !wanted.contains(id)) {
        let request = iam
            .remove_client_id_from_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .client_id(id);
        let operation = "RemoveClientIDFromOpenIDConnectProvider";
        clients.call(Service::Iam, operation, request.send()).await?;
    }
    Ok(())
}

fn drifts(
    cx: &Context<'_, OpenIdConnectProvider>,
    live: &GetOpenIdConnectProviderOutput,
) -> Vec<Drift> {
    let spec = cx.spec;
    let mut drifts = Drifts::new();
    let url = live.url().map(without_scheme);
    drifts.immutable("url", Some(&without_scheme(&spec.url)), url.as_ref());
    drifts.set("clientIDList", spec.client_id_list.as_deref(), live.client_id_list());
    let lower = |list: &[String]| list.iter().map(|print| print.to_lowercase()).collect::<Vec<_>>();
    let (wanted, found) = (lower(&spec.thumbprint_list), lower(live.thumbprint_list()));
    drifts.set("thumbprintList", Some(&wanted), &found);
    drifts.extend(tags::drift(&spec.tags, live.tags(), cx.applied_tags));
    drifts.into_vec()
}

#[cfg(test)]
mod tests {
    use super::without_scheme;

    #[test]
    fn an_issuer_is_known_without_its_scheme() {
        assert_eq!(without_scheme("https://oidc.example/id/A"), "oidc.example/id/A");
        assert_eq!(without_scheme("oidc.example/id/A/"), "oidc.example/id/A");
    }
}
