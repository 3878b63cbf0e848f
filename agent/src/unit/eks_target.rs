//! Clusters of EKS: a ConfigMap names them, and AWS says where they are and who may enter.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_cloud::{Clients, EKS_CLUSTER_ARN, eks_cluster};
use capstan_cluster::{BearerSource, Cluster};
use capstan_model::{Advice, Chain, Manifest, NamespacedName, Secret};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::target::Target;
use super::token_target::{kubeconfig, text};
use crate::aws;
use crate::world::World;

/// What the ConfigMap says.
#[derive(Debug, PartialEq, Eq)]
struct Said<'a> {
    arn: &'a str,
    region: &'a str,
    name: &'a str,
    address: Option<String>,
    ca: Option<&'a str>,
    account: Option<&'a str>,
}

/// The client of the cluster that a ConfigMap names; its token is renewed while it is used.
///
/// # Errors
/// Why there is none.
pub(super) async fn target(world: &World, config_map: &Manifest) -> Result<Target, String> {
    let said = read(config_map, &world.args.default_kubeconfig_service_account)?;
    let account = said.account.map(|account| NamespacedName::new(config_map.namespace(), account));
    let denied =
        |none: aws::NoAccess| format!("failed to get access token for cluster: {}", none.why);
    let identity = aws::identity(world, account.as_ref(), said.region).await.map_err(denied)?;
    let (namespace, name) = (config_map.namespace(), config_map.name());
    let version = config_map.resource_version();
    let cache_key = format!("{namespace}/{name}@{version} as {}", identity.key());
    if let Some(cluster) = world.clusters.get(&cache_key) {
        return Ok(Target::remote(cluster, cache_key));
    }
    let clients = aws::clients(world, account.as_ref(), said.region).await.map_err(denied)?;
    let (address, ca) = place(&clients, &said).await?;
    let kubeconfig = Secret::new(kubeconfig(&address, ca.as_deref(), None));
    let token = EksBearer { clients, cluster: said.name.to_owned() };
    let cluster = Cluster::from_untrusted_kubeconfig(&kubeconfig)
        .await
        .and_then(|cluster| cluster.with_bearer(Arc::new(token)))
        .map_err(|error| Chain(&error).to_string())?;
    world.clusters.put(&cache_key, cluster.clone());
    Ok(Target::remote(cluster, cache_key))
}

fn read<'a>(config_map: &'a Manifest, default_account: &'a str) -> Result<Said<'a>, String> {
    let text = |key: &str| text(config_map, key);
    let arn = text("cluster").unwrap_or_default();
    let (region, name) = eks_cluster(arn)
        .ok_or_else(|| format!("invalid EKS cluster ARN: '{arn}'. must match {EKS_CLUSTER_ARN}"))?;
    let account = text("serviceAccountName").or(Some(default_account));
    Ok(Said {
        arn,
        region,
        name,
        address: text("address").map(address).transpose()?,
        ca: text("ca.crt"),
        account: account.filter(|account| !account.is_empty()),
    })
}

/// A token must not be sent where everybody can read it.
fn address(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        None => Ok(format!("https://{text}")),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => Ok(text.to_owned()),
        Some(_) => Err(format!("the Kubernetes API server address '{text}' must use https scheme")),
    }
}

/// URL and authority (base64 of PEM): the ConfigMap's, and from AWS what it leaves out.
async fn place(clients: &Clients, said: &Said<'_>) -> Result<(String, Option<String>), String> {
    let own = said.ca.map(|ca| STANDARD.encode(ca));
    if let (Some(address), Some(ca)) = (&said.address, &own) {
        return Ok((address.clone(), Some(ca.clone())));
    }
    let found = clients.eks_place(said.name).await.map_err(|error| {
        format!("failed to describe EKS cluster '{}': {}", said.arn, Advice(&error))
    })?;
    Ok((said.address.clone().unwrap_or(found.endpoint), own.or(Some(found.ca_base64))))
}

/// Signs tokens for one cluster.
struct EksBearer {
    clients: Arc<Clients>,
    cluster: String,
}

impl BearerSource for EksBearer {
    fn token(
        &self,
    ) -> BoxFuture<'_, Result<Secret<String>, Box<dyn std::error::Error + Send + Sync>>> {
        async { Ok(self.clients.eks_token(&self.cluster).await?.token) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, read};
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/shop";

    fn config_map(data: &Value) -> Manifest {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "x", "namespace": "n"}, "data": data});
        Manifest::try_from(object).expect("valid")
    }

    #[test]
    fn a_cluster_is_named_by_its_arn() {
        let given = config_map(&json!({"provider": "aws", "cluster": ARN, "ca.crt": "PEM",
            "address": "ABC.eks.amazonaws.com", "serviceAccountName": "deployer"}));
        let said = Said {
            arn: ARN,
            region: "eu-west-1",
            name: "shop",
            address: Some("https://ABC.eks.amazonaws.com".into()),
            ca: Some("PEM"),
            account: Some("deployer"),
        };
        assert_eq!(read(&given, "other"), Ok(said));
        let least = config_map(&json!({"provider": "aws", "cluster": ARN}));
        assert_eq!(read(&least, "by-default").map(|said| said.account), Ok(Some("by-default")));
        assert_eq!(read(&least, "").map(|said| said.account), Ok(None));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (data, word) in [
            (json!({}), "invalid EKS cluster ARN: ''. must match ^arn:aws"),
            (json!({"cluster": "shop"}), "invalid EKS cluster ARN: 'shop'"),
            (json!({"cluster": ARN, "address": "http://a"}), "must use https scheme"),
        ] {
            let said = read(&config_map(&data), "").expect_err(word);
            assert!(said.contains(word), "{said}");
        }
    }
}
