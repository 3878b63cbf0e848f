//! Reaching the cluster of a spoke.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_api::fleet::SpokeSpec;
use capstan_cluster::Cluster;
use capstan_model::{Manifest, NamespacedName, Secret};
use serde_json::Value;

use super::target::{self, Target};
use super::{Blocked, reference};
use crate::kinds;
use crate::object::text;
use crate::world::World;

/// What is remembered of spokes. All of it can be lost: it only saves work.
#[derive(Debug, Default)]
pub(crate) struct Spokes {
    memory: Mutex<HashMap<String, Memory>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The connection, and the version of the kubeconfig that it was made from.
    connection: Option<(Cluster, String)>,
    /// Digest of what was installed, and when.
    pub(super) installed: Option<(String, Instant)>,
    /// When the token of the agent's identity is to be replaced.
    pub(super) renew_token: Option<Instant>,
}

impl Spokes {
    pub(super) fn with<T>(&self, spoke: &str, act: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = self.memory.lock().expect("no holder of this lock can panic");
        act(memory.entry(spoke.to_owned()).or_default())
    }

    /// Forgets a spoke that is gone.
    pub(crate) fn forget(&self, spoke: &str) {
        self.memory.lock().expect("no holder of this lock can panic").remove(spoke);
    }
}

/// The managed resource that is the cluster, once it is ready; nothing for a Spoke with a kubeconfig.
pub(super) fn target(
    world: &Arc<World>,
    spoke: &Manifest,
    spec: &SpokeSpec,
) -> Result<Option<Arc<Manifest>>, Blocked> {
    if spec.kube_config.is_some() {
        return Ok(None);
    }
    match seek(world, spoke)? {
        Target::Ready(cluster) => Ok(Some(cluster)),
        Target::NotReady(_, message) => Err(Blocked::until_changed("ClusterNotReady", message)),
        Target::Absent(message) => Err(Blocked::until_changed("ClusterNotFound", message)),
        Target::Ambiguous(message) => Err(Blocked::until_changed("AmbiguousCluster", message)),
    }
}

/// What the cluster reference leads to, ready or not.
pub(super) fn seek(world: &Arc<World>, spoke: &Manifest) -> Result<Target, Blocked> {
    let reference = reference(spoke).ok_or_else(|| {
        Blocked::until_changed("InvalidSpec", "give either spec.clusterRef or spec.kubeConfig")
    })?;
    let mirror = world.watch(&target::kind(&reference));
    if !mirror.is_synced() {
        let message = format!("{} has not been read yet", target::kind(&reference).kind);
        return Err(Blocked {
            next: capstan_runtime::Next::After(Duration::from_millis(200)),
            ..Blocked::for_now("ClusterNotFound", message)
        });
    }
    Ok(target::find(&reference, spoke, &mirror.all()))
}

/// A connection with the kubeconfig as it is now. The same one is given until the kubeconfig changes.
pub(super) async fn connect(
    world: &World,
    spoke: &Manifest,
    spec: &SpokeSpec,
    cluster: Option<&Manifest>,
) -> Result<Cluster, Blocked> {
    let (place, key) = place(spec, cluster)?;
    let missing = |what: &str| {
        let message = format!("Secret/{}/{} {what}", place.namespace, place.name);
        Blocked::for_now("InvalidKubeConfig", message)
    };
    let secret = world.cluster.get(&kinds::secret(), &place.namespace, &place.name).await?;
    let secret = secret.ok_or_else(|| missing("does not exist"))?;
    let version = format!("{}@{}", secret.uid(), secret.resource_version());
    if let Some(known) = known(world, spoke, &version) {
        return Ok(known);
    }
    let kubeconfig = kubeconfig(&secret, &key)
        .ok_or_else(|| missing(&format!("has no key `{key}` with a kubeconfig")))?;
    let remote = Cluster::from_untrusted_kubeconfig(&kubeconfig).await.map_err(|error| {
        Blocked::for_now("InvalidKubeConfig", capstan_model::Chain(&error).to_string())
    })?;
    let connection = Some((remote.clone(), version));
    world.spokes.with(spoke.name(), |memory| memory.connection = connection);
    Ok(remote)
}

/// Where the kubeconfig is: where the Spoke says, or where its cluster writes its connection Secret. The token in the
/// latter is made anew well before it ends, by whoever provisions the cluster: at first nobody else may log in.
fn place(
    spec: &SpokeSpec,
    cluster: Option<&Manifest>,
) -> Result<(NamespacedName, String), Blocked> {
    if let Some(config) = &spec.kube_config {
        let place = &config.secret_ref;
        let key = place.key.clone().unwrap_or_else(|| "value".to_owned());
        return Ok((NamespacedName::new(&place.namespace, &place.name), key));
    }
    let cluster = cluster.ok_or_else(|| {
        Blocked::until_changed("InvalidSpec", "give either spec.clusterRef or spec.kubeConfig")
    })?;
    let at = |field: &str| text(cluster, &format!("/spec/writeConnectionSecretToRef/{field}"));
    let (namespace, name) = (at("namespace"), at("name"));
    if namespace.is_empty() || name.is_empty() {
        let message = format!(
            "{} writes no connection Secret: set its spec.writeConnectionSecretToRef",
            cluster.id()
        );
        return Err(Blocked::until_changed("ClusterUnreachable", message));
    }
    Ok((NamespacedName::new(namespace, name), "kubeconfig".to_owned()))
}

fn known(world: &World, spoke: &Manifest, version: &str) -> Option<Cluster> {
    world.spokes.with(spoke.name(), |memory| {
        let (cluster, known) = memory.connection.as_ref()?;
        (known == version).then(|| cluster.clone())
    })
}

fn kubeconfig(secret: &Manifest, key: &str) -> Option<Secret<String>> {
    let encoded = secret.value().get("data")?.get(key).and_then(Value::as_str)?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::{kubeconfig, place};
    use capstan_api::fleet::SpokeSpec;
    use capstan_model::{Manifest, NamespacedName};
    use serde_json::{Value, json};

    fn object(kind: &str, spec: &Value, data: &Value) -> Manifest {
        let value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"},
            "spec": spec, "data": data});
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn the_cluster_says_where_its_kubeconfig_is() {
        let spec = SpokeSpec::default();
        let place = |cluster: &Value| place(&spec, Some(&object("Cluster", cluster, &json!({}))));
        let secret = json!({"writeConnectionSecretToRef": {"namespace": "n", "name": "s"}});
        let found = place(&secret).expect("found");
        assert_eq!(found, (NamespacedName::new("n", "s"), "kubeconfig".to_owned()));
        assert_eq!(place(&json!({})).expect_err("nowhere").reason, "ClusterUnreachable");
    }

    #[test]
    fn the_spoke_may_say_it_itself() {
        let spec = json!({"kubeConfig": {"secretRef": {"name": "s", "namespace": "n"}},
            "source": {"url": "https://g"}});
        let spec: SpokeSpec = serde_json::from_value(spec).expect("valid");
        let found = place(&spec, None).expect("found");
        assert_eq!(found, (NamespacedName::new("n", "s"), "value".to_owned()));
    }

    #[test]
    fn a_kubeconfig_is_text() {
        let secret = |data| object("Secret", &json!({}), &data);
        assert!(kubeconfig(&secret(json!({"k": "YQ=="})), "k").is_some());
        for data in [json!({}), json!({"k": ""}), json!({"k": "?"}), json!({"k": "/w=="})] {
            assert!(kubeconfig(&secret(data.clone()), "k").is_none(), "{data}");
        }
    }
}
