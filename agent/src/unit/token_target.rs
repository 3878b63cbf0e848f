//! Remote clusters without a stored credential: a ConfigMap says where they are, and a token of a ServiceAccount opens them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_cluster::Cluster;
use capstan_model::{Chain, Manifest, Secret};
use capstan_report::Failure;
use jiff::Timestamp;
use serde_json::json;

use super::target::{NoTarget, Target};
use super::{eks_target, failure};
use crate::kinds;
use crate::world::World;

/// The life of a token, in seconds.
const LIFE: i64 = 3600;
/// A token is used for two thirds of its life.
const USED: Duration = Duration::from_secs(2400);

/// What the ConfigMap says.
#[derive(Debug, PartialEq, Eq)]
struct Remote {
    address: String,
    ca: Option<String>,
    audience: String,
    account: String,
}

/// The client of the cluster that a ConfigMap describes.
pub(super) async fn target(world: &World, unit: &Manifest, name: &str) -> Result<Target, NoTarget> {
    let namespace = unit.namespace();
    let refuse = |why: String| {
        let message = format!("kubeConfig ConfigMap '{namespace}/{name}': {why}");
        NoTarget::Unusable(failure("ReconciliationFailed", message))
    };
    let found = world.cluster.get(&kinds::config_map(), namespace, name).await;
    let config_map = found
        .map_err(|error| refuse(Chain(&error).to_string()))?
        .ok_or_else(|| refuse("not found; create it, or correct spec.kubeConfig".to_owned()))?;
    if text(&config_map, "provider") == Some("aws") {
        return eks_target::target(world, &config_map).await.map_err(refuse);
    }
    let remote = read(&config_map, &world.args.default_kubeconfig_service_account)
        .map_err(|failure| refuse(failure.message))?;
    let period = Timestamp::now().as_second() / i64::try_from(USED.as_secs()).unwrap_or(LIFE);
    let version = config_map.resource_version();
    let cache_key = format!("{namespace}/{name}@{version} with its token {period}");
    if let Some(cluster) = world.clusters.get(&cache_key) {
        return Ok(Target::remote(cluster, cache_key));
    }
    let (account, audience) = (&remote.account, &remote.audience);
    let token = world
        .cluster
        .service_account_token(namespace, account, audience, LIFE)
        .await
        .map_err(|error| refuse(Chain(&error).to_string()))?;
    let ca = remote.ca.as_ref().map(|ca| STANDARD.encode(ca));
    let token = Some(token.token.expose().as_str());
    let kubeconfig = Secret::new(kubeconfig(&remote.address, ca.as_deref(), token));
    let cluster = Cluster::from_untrusted_kubeconfig(&kubeconfig)
        .await
        .map_err(|error| refuse(Chain(&error).to_string()))?;
    world.clusters.put(&cache_key, cluster.clone());
    Ok(Target::remote(cluster, cache_key))
}

fn read(config_map: &Manifest, default_account: &str) -> Result<Remote, Failure> {
    let refuse = |message: String| failure("ReconciliationFailed", message);
    let text = |key: &str| text(config_map, key);
    match text("provider") {
        Some("generic") => {}
        Some(other @ ("azure" | "gcp")) => {
            return Err(refuse(format!(
                "provider `{other}` is not supported yet; use `generic`, or a Secret with a kubeconfig"
            )));
        }
        Some(other) => {
            return Err(refuse(format!("unknown provider `{other}`; use `generic` or `aws`")));
        }
        None => {
            let message = "it has no key `provider`; set it to `generic` or `aws`";
            return Err(refuse(message.to_owned()));
        }
    }
    let address = text("address")
        .ok_or_else(|| refuse("it has no key `address`; add the API server's URL".to_owned()))?;
    let account = text("serviceAccountName")
        .or(Some(default_account))
        .filter(|account| !account.is_empty())
        .ok_or_else(|| {
            refuse(
                "it has no key `serviceAccountName`; add it, or set --default-kubeconfig-service-account"
                    .to_owned(),
            )
        })?;
    let audience = text("audiences").and_then(|list| list.lines().next()).unwrap_or(address);
    Ok(Remote {
        address: address.to_owned(),
        ca: text("ca.crt").map(str::to_owned),
        audience: audience.trim().to_owned(),
        account: account.to_owned(),
    })
}

/// What a key of the ConfigMap says.
pub(super) fn text<'a>(config_map: &'a Manifest, key: &str) -> Option<&'a str> {
    let text = config_map.value().get("data")?.get(key)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// The kubeconfig of one cluster. `ca` is base64 of PEM; without a token, the client brings its own.
pub(super) fn kubeconfig(address: &str, ca: Option<&str>, token: Option<&str>) -> String {
    let mut cluster = json!({"server": address});
    if let Some(ca) = ca {
        cluster["certificate-authority-data"] = ca.into();
    }
    let user = token.map_or_else(|| json!({}), |token| json!({"token": token}));
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "remote",
        "clusters": [{"name": "remote", "cluster": cluster}],
        "users": [{"name": "remote", "user": user}],
        "contexts": [{"name": "remote", "context": {"cluster": "remote", "user": "remote"}}],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::{Remote, read};
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    fn said(data: &Value, default_account: &str) -> Result<Remote, String> {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "x", "namespace": "n"}, "data": data});
        let object = Manifest::try_from(object).expect("valid");
        read(&object, default_account).map_err(|failure| failure.message)
    }

    #[test]
    fn a_config_map_says_where_the_cluster_is() {
        let data = json!({"provider": "generic", "address": "https://a:1", "ca.crt": "PEM"});
        let remote = said(&data, "agent").expect("whole");
        let expected = Remote {
            address: "https://a:1".into(),
            ca: Some("PEM".into()),
            audience: "https://a:1".into(),
            account: "agent".into(),
        };
        assert_eq!(remote, expected);
        let own = json!({"provider": "generic", "address": "https://a:1",
            "serviceAccountName": "deployer", "audiences": "one\ntwo\n"});
        let remote = said(&own, "agent").expect("whole");
        assert_eq!((&*remote.account, &*remote.audience), ("deployer", "one"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (data, account, word) in [
            (json!({}), "a", "no key `provider`"),
            (json!({"provider": "gcp"}), "a", "`gcp` is not supported yet"),
            (json!({"provider": "x"}), "a", "unknown provider `x`"),
            (json!({"provider": "generic"}), "a", "no key `address`"),
            (
                json!({"provider": "generic", "address": "u"}),
                "",
                "--default-kubeconfig-service-account",
            ),
        ] {
            let message = said(&data, account).expect_err(word);
            assert!(message.contains(word), "{message}");
        }
    }
}
