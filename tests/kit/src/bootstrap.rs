//! What a user sets up once before a management cluster manages anything: its identity in AWS, facts
//! about it for substitution, and credentials of the Git server.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::aws::{ACCOUNT, AwsClient};
use crate::git::{PASSWORD, USER};
use crate::nodes::STS_AUDIENCE;

/// The namespace of sources and units.
pub const FLUX_NAMESPACE: &str = "flux-system";
/// The role that the management cluster provisions with.
pub const ROLE: &str = "crossplane-role";
/// Who may take it on: the ServiceAccounts of AWS providers.
const SUBJECT: &str = "system:serviceaccount:crossplane-system:provider-aws-*";
/// What the role may do: networks, clusters, and the identities around them.
const ACTIONS: [&str; 7] = [
    "ec2:*",
    "eks:*",
    "iam:*Role*",
    "iam:*Polic*",
    "iam:*OpenIDConnectProvider*",
    "iam:*InstanceProfile*",
    "dynamodb:*",
];

/// The management cluster as AWS and substitution know it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) cluster: String,
    pub(crate) region: String,
    /// The issuer URL of its ServiceAccount tokens.
    pub(crate) issuer: String,
}

impl Identity {
    /// The issuer without its scheme, as trust policies write it.
    fn provider(&self) -> &str {
        self.issuer.trim_start_matches("https://")
    }

    fn cluster_arn(&self) -> String {
        format!("arn:aws:eks:{}:{ACCOUNT}:cluster/{}", self.region, self.cluster)
    }
}

/// Makes the OIDC provider and the role.
pub(crate) async fn in_aws(aws: &AwsClient, identity: &Identity) -> Result<()> {
    aws.iam_create_oidc_provider(&identity.issuer, &[STS_AUDIENCE])
        .await
        .context("cannot make the OIDC provider of the management cluster")?;
    let trust = trust_policy(identity).to_string();
    aws.iam_create_role(ROLE, &trust).await.context("cannot make the role of the hub")?;
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": ACTIONS, "Resource": "*" }],
    });
    let policy = aws
        .iam_create_policy("crossplane-policy", &document.to_string())
        .await
        .context("cannot make the policy of the hub")?;
    aws.iam_attach_role_policy(ROLE, &policy).await.context("cannot attach the policy of the hub")
}

fn trust_policy(identity: &Identity) -> Value {
    let provider = identity.provider();
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": { format!("{provider}:aud"): STS_AUDIENCE },
                "StringLike": { format!("{provider}:sub"): SUBJECT },
            },
        }],
    })
}

/// Makes namespace, facts and credentials.
pub(crate) async fn in_cluster(client: &Client, identity: &Identity) -> Result<()> {
    let namespace = json!({ "metadata": { "name": FLUX_NAMESPACE } });
    put::<Namespace>(&Api::all(client.clone()), FLUX_NAMESPACE, namespace).await?;
    let facts = json!({ "data": {
        "ACCOUNT_ID": ACCOUNT,
        "AWS_REGION": identity.region,
        "OIDC_PROVIDER": identity.provider(),
        "CLUSTER_NAME": identity.cluster,
        "CLUSTER_ARN": identity.cluster_arn(),
    }});
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), FLUX_NAMESPACE);
    put(&maps, "cluster-info", facts).await?;
    let login = json!({ "stringData": { "username": USER, "password": PASSWORD } });
    let secrets: Api<Secret> = Api::namespaced(client.clone(), FLUX_NAMESPACE);
    put(&secrets, "flux-system", login).await
}

async fn put<K>(api: &Api<K>, name: &str, mut object: Value) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
{
    object["apiVersion"] = json!(K::api_version(&()));
    object["kind"] = json!(K::kind(&()));
    object["metadata"]["name"] = json!(name);
    let params = PatchParams::apply("capstan-kit").force();
    let what = || format!("cannot make {} {name}", K::kind(&()));
    api.patch(name, &params, &Patch::Apply(object)).await.with_context(what)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_providers_of_that_issuer_are_trusted() {
        let identity = Identity {
            cluster: "management".into(),
            region: "eu-west-1".into(),
            issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC".into(),
        };
        let policy = trust_policy(&identity);
        let condition = &policy["Statement"][0]["Condition"];
        let key = "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub";
        assert_eq!(condition["StringLike"][key], SUBJECT);
        assert_eq!(identity.cluster_arn(), "arn:aws:eks:eu-west-1:123456789012:cluster/management");
    }
}
