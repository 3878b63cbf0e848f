//! How an Object reaches its cluster: ProviderConfig `kubernetes.crossplane.io/v1alpha1`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use capstan_cloud::{Class, CloudError};
use capstan_cluster::Cluster;
use capstan_model::{Manifest, Secret};
use capstan_provision::{Connected, Provider, World};
use serde_json::Value;

use super::GROUP;

/// A cluster that Objects are applied to.
#[derive(Debug)]
pub struct Remote {
    pub(super) cluster: Cluster,
}

/// The connections that kubeconfigs of Secrets led to, by Secret, with the text that each was made from.
#[derive(Default)]
struct Connections(Mutex<HashMap<String, Connection>>);

/// A kubeconfig and the connection that it led to.
type Connection = (Secret<String>, Arc<Remote>);

impl Provider for Remote {
    const CONFIG: (&'static str, &'static str) = (GROUP, "v1alpha1");

    async fn connect(world: &World, object: &Manifest) -> Result<Connected<Arc<Self>>, CloudError> {
        let Some(config) = world.provider_config(GROUP, object) else {
            return missing_config(world, object).await;
        };
        let credentials = &config.value()["spec"]["credentials"];
        match credentials["source"].as_str().unwrap_or("InjectedIdentity") {
            "InjectedIdentity" => {
                Ok(Connected::Live(Arc::new(Self { cluster: world.cluster().clone() })))
            }
            "Secret" => from_secret(world, object, &credentials["secretRef"]).await,
            other => {
                let message = format!(
                    "spec.credentials.source `{other}` of ProviderConfig/{} is not supported: use InjectedIdentity or Secret",
                    config.name()
                );
                Err(error(Class::Invalid, message))
            }
        }
    }
}

fn error(class: Class, message: impl Into<String>) -> CloudError {
    CloudError::new("kubernetes", "connect", class, message)
}

async fn missing_config(
    world: &World,
    object: &Manifest,
) -> Result<Connected<Arc<Remote>>, CloudError> {
    if object.is_deleting() && composite_goes(world, object).await? {
        return Ok(Connected::Gone);
    }
    let name = object.value().pointer("/spec/providerConfigRef/name").and_then(Value::as_str);
    let name = name.unwrap_or("default");
    Err(error(Class::NotFound, format!("ProviderConfig/{name} of group {GROUP} does not exist")))
}

async fn from_secret(
    world: &World,
    object: &Manifest,
    reference: &Value,
) -> Result<Connected<Arc<Remote>>, CloudError> {
    let part = |field: &str| reference[field].as_str().unwrap_or_default();
    let (namespace, name) = (part("namespace"), part("name"));
    // Before the read, so that a Secret that is written right after it is not slept through.
    world.wake_on_secret(namespace, name, object);
    let source = source_of(world, namespace, name);
    if object.is_deleting() && is_gone(world, object, source.as_deref()).await? {
        return Ok(Connected::Gone);
    }
    let text = match world.secret_key(reference).await {
        Ok(text) => text,
        Err(missing) if missing.is_not_found() && object.is_deleting() && source.is_none() => {
            tracing::info!(object = %object.id(), %missing, "what the kubeconfig led to counts as gone");
            return Ok(Connected::Gone);
        }
        // It is written when the cluster answers.
        Err(missing) if missing.is_not_found() => {
            return Err(error(Class::NotYet, missing.message));
        }
        Err(other) => return Err(other),
    };
    let connections = world.shared::<Connections>();
    let key = format!("{namespace}/{name}/{}", part("key"));
    if let Some(known) = connections.get(&key, &text) {
        return Ok(Connected::Live(known));
    }
    let cluster = Cluster::from_untrusted_kubeconfig(&text).await.map_err(|cause| {
        error(Class::Invalid, format!("the kubeconfig in Secret {namespace}/{name}: {cause}"))
    })?;
    Ok(Connected::Live(connections.put(key, text, Remote { cluster })))
}

impl Connections {
    fn get(&self, key: &str, text: &Secret<String>) -> Option<Arc<Remote>> {
        let known = self.0.lock().expect("no holder of this lock can panic");
        known
            .get(key)
            .filter(|(made_from, _)| made_from == text)
            .map(|(_, remote)| Arc::clone(remote))
    }

    fn put(&self, key: String, text: Secret<String>, remote: Remote) -> Arc<Remote> {
        let remote = Arc::new(remote);
        let mut known = self.0.lock().expect("no holder of this lock can panic");
        known.insert(key, (text, Arc::clone(&remote)));
        remote
    }
}

/// The EKS cluster whose connection Secret this is.
fn source_of(world: &World, namespace: &str, name: &str) -> Option<Arc<Manifest>> {
    let clusters = world.objects("eks.aws.crossplane.io", "Cluster");
    clusters.into_iter().find(|cluster| {
        let at = |field: &str| {
            let pointer = format!("/spec/writeConnectionSecretToRef/{field}");
            cluster.value().pointer(&pointer).and_then(Value::as_str)
        };
        at("namespace") == Some(namespace) && at("name") == Some(name)
    })
}

/// What is deleted together with its cluster is not deleted one by one: the cluster takes it along, and what still runs
/// there is needed until then.
async fn is_gone(
    world: &World,
    object: &Manifest,
    cluster: Option<&Manifest>,
) -> Result<bool, CloudError> {
    if cluster.is_some_and(Manifest::is_deleting) {
        return Ok(true);
    }
    let together = cluster.is_none_or(|cluster| controller(cluster) == controller(object));
    Ok(together && controller(object).is_some() && composite_goes(world, object).await?)
}

fn controller(object: &Manifest) -> Option<&str> {
    let owners = object.value().pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

/// Is the composite of an object deleted or being deleted?
async fn composite_goes(world: &World, object: &Manifest) -> Result<bool, CloudError> {
    if controller(object).is_none() {
        return Ok(false);
    }
    Ok(world.composite(object).await?.is_none_or(|composite| composite.is_deleting()))
}
