use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use capstan_api::flux::KustomizationSpec;
use capstan_cluster::Cluster;
use capstan_model::{Chain, Manifest, Secret};
use capstan_report::Failure;

use super::{failure, token_target};
use crate::kinds;
use crate::source::secret_text;
use crate::world::World;

/// Clients that were made: for impersonated users, and for remote clusters by their kubeconfig's version.
#[derive(Clone, Default)]
pub(crate) struct Clusters(Arc<Mutex<HashMap<String, Cluster>>>);

/// The cluster that a unit applies to, as its service account.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) cluster: Cluster,
    /// The same cluster as somebody who may watch it: a service account may apply what it may not list.
    pub(super) watcher: Cluster,
    /// Tells targets apart: another kubeconfig or user is another target.
    pub(super) name: String,
    /// Whom the unit acts as, when it is not the agent itself.
    account: Option<Account>,
}

/// A service account and the cluster in which it must be, seen by somebody who may look.
#[derive(Clone)]
struct Account {
    cluster: Cluster,
    namespace: String,
    name: String,
}

impl Target {
    pub(super) fn remote(cluster: Cluster, name: String) -> Self {
        Self { watcher: cluster.clone(), cluster, name, account: None }
    }

    /// Is the service account gone that the unit acts as? Then nobody may do anything in its name any more.
    pub(super) async fn account_is_gone(&self) -> bool {
        let Some(Account { cluster, namespace, name }) = &self.account else { return false };
        matches!(cluster.get(&kinds::service_account(), namespace, name).await, Ok(None))
    }

    /// A failure with its root cause before it, when that is a service account which is not there.
    pub(super) async fn explain(&self, failure: Failure) -> Failure {
        let Some(Account { cluster, namespace, name }) = &self.account else { return failure };
        if !matches!(cluster.get(&kinds::service_account(), namespace, name).await, Ok(None)) {
            return failure;
        }
        let message = format!(
            "ServiceAccount '{namespace}/{name}' not found: create it, or correct \
             spec.serviceAccountName\n{}",
            failure.message
        );
        Failure { message, ..failure }
    }
}

/// Why a unit has no target.
pub(super) enum NoTarget {
    /// The Secret of the kubeconfig is not there.
    KubeConfigAbsent(Failure),
    /// Anything else.
    Unusable(Failure),
}

impl NoTarget {
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::KubeConfigAbsent(failure) | Self::Unusable(failure) => failure,
        }
    }
}

/// Finds or makes the client of a unit.
pub(super) async fn target(
    world: &World,
    unit: &Manifest,
    spec: &KustomizationSpec,
) -> Result<Target, NoTarget> {
    let local = Target {
        cluster: world.cluster.clone(),
        watcher: world.cluster.clone(),
        name: "local".to_owned(),
        account: None,
    };
    let base = match &spec.kube_config {
        Some(kube_config) => match &kube_config.secret_ref {
            Some(reference) => {
                let key = reference.key.as_deref();
                remote(world, unit.namespace(), &reference.name, key).await?
            }
            None => match &kube_config.config_map_ref {
                Some(reference) => token_target::target(world, unit, &reference.name).await?,
                None => {
                    let message =
                        "spec.kubeConfig names neither a Secret nor a ConfigMap; name one";
                    let failure = Failure { stalled: true, ..failure("BuildFailed", message) };
                    return Err(NoTarget::Unusable(failure));
                }
            },
        },
        None => local,
    };
    let given = spec.service_account_name.as_deref().filter(|name| !name.is_empty());
    let by_default = Some(&*world.args.default_service_account).filter(|name| !name.is_empty());
    match given.or(by_default) {
        Some(account) => impersonate(world, &base, unit.namespace(), account),
        None => Ok(base),
    }
}

fn impersonate(
    world: &World,
    base: &Target,
    namespace: &str,
    account: &str,
) -> Result<Target, NoTarget> {
    let user = format!("system:serviceaccount:{namespace}:{account}");
    let name = format!("{} as {user}", base.name);
    let cluster =
        world.clusters.get_or_make(&name, || base.cluster.impersonate(&user)).map_err(|error| {
            NoTarget::Unusable(failure("ReconciliationFailed", Chain(&error).to_string()))
        })?;
    let account = Account {
        cluster: base.cluster.clone(),
        namespace: namespace.to_owned(),
        name: account.to_owned(),
    };
    Ok(Target { cluster, watcher: base.watcher.clone(), name, account: Some(account) })
}

async fn remote(
    world: &World,
    namespace: &str,
    name: &str,
    key: Option<&str>,
) -> Result<Target, NoTarget> {
    let refuse = |message: String| failure("ReconciliationFailed", message);
    let secret = world
        .cluster
        .get(&kinds::secret(), namespace, name)
        .await
        .map_err(|error| NoTarget::Unusable(refuse(Chain(&error).to_string())))?
        .ok_or_else(|| {
            NoTarget::KubeConfigAbsent(refuse(format!(
                "kubeConfig Secret '{namespace}/{name}' not found; create it, or correct spec.kubeConfig.secretRef"
            )))
        })?;
    let cache_key = format!("{namespace}/{name}@{}", secret.resource_version());
    if let Some(cluster) = world.clusters.get(&cache_key) {
        return Ok(Target::remote(cluster, cache_key));
    }
    let keys = key.map_or_else(|| vec!["value", "value.yaml"], |key| vec![key]);
    let text = keys.iter().find_map(|key| secret_text(&secret, key)).ok_or_else(|| {
        NoTarget::Unusable(refuse(format!(
            "kubeConfig Secret '{namespace}/{name}' has none of the keys {}; add one, or name yours in \
             spec.kubeConfig.secretRef.key",
            keys.join(", ")
        )))
    })?;
    let cluster =
        Cluster::from_untrusted_kubeconfig(&Secret::new(text)).await.map_err(|error| {
            let text = format!("kubeConfig Secret '{namespace}/{name}': {}", Chain(&error));
            NoTarget::Unusable(refuse(text))
        })?;
    world.clusters.put(&cache_key, cluster.clone());
    Ok(Target::remote(cluster, cache_key))
}

impl Clusters {
    pub(super) fn get(&self, name: &str) -> Option<Cluster> {
        self.0.lock().expect("no holder of this lock can panic").get(name).cloned()
    }

    pub(super) fn put(&self, name: &str, cluster: Cluster) {
        self.0.lock().expect("no holder of this lock can panic").insert(name.to_owned(), cluster);
    }

    fn get_or_make<E>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Cluster, E>,
    ) -> Result<Cluster, E> {
        if let Some(cluster) = self.get(name) {
            return Ok(cluster);
        }
        let cluster = make()?;
        self.put(name, cluster.clone());
        Ok(cluster)
    }
}
