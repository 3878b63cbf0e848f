//! Spokes: each is a cluster with an agent in it, which the hub installs, watches, and drains in the end.

mod bundle;
mod connect;
mod drain;
mod hold;
pub(crate) mod identity;
mod install;
mod remove;
mod status;
mod target;

use std::sync::Arc;
use std::time::Duration;

use capstan_api::fleet::{
    ClusterReference, LEASE_NAMESPACE, SPOKE_FINALIZER, SpokeSpec, spoke_identity,
};
use capstan_cluster::ClusterError;
use capstan_model::{GroupVersionKind, Manifest, NamespacedName};
use capstan_runtime::Next;
use serde_json::Value;

use crate::object::with_finalizer;
use crate::world::World;
use crate::{FIELD_MANAGER, kinds};

pub(crate) use connect::Spokes;
use status::{Heartbeat, Installation, Seen};

/// What a run came to: what is seen, and when to look again without being woken.
struct Look {
    installation: Installation,
    cluster: Option<String>,
    next: Next,
}

/// Why a spoke cannot be dealt with: reason and message of its condition.
#[derive(Debug)]
pub(crate) struct Blocked {
    reason: &'static str,
    message: String,
    next: Next,
}

impl Blocked {
    /// Somebody else's change ends it, and that wakes us.
    fn until_changed(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), next: Next::Wait }
    }

    /// It may end by itself.
    fn for_now(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), next: Next::Backoff }
    }
}

impl From<ClusterError> for Blocked {
    fn from(error: ClusterError) -> Self {
        Self::for_now("ReconciliationFailed", capstan_model::Chain(&error).to_string())
    }
}

/// Reconciles one Spoke.
pub(crate) async fn reconcile(world: Arc<World>, name: String) -> Next {
    let spoke = match world.cluster.get(&kinds::spoke(), "", &name).await {
        Ok(Some(spoke)) => spoke,
        Ok(None) | Err(ClusterError::NoSuchKind(_)) => {
            world.spokes.forget(&name);
            return Next::Wait;
        }
        Err(error) => {
            tracing::warn!(name, %error, "Spoke not read");
            return Next::Backoff;
        }
    };
    let look = if spoke.is_deleting() {
        remove::run(&world, &spoke).await
    } else {
        keep(&world, &spoke).await
    };
    let look = match look {
        Ok(Some(look)) => look,
        // Finalizers were written or the Spoke is gone: there is nothing to say.
        Ok(None) => return Next::Wait,
        Err(Blocked { reason, message, next }) => {
            tracing::info!(name, reason, message, "Spoke waits");
            let installation = if spoke.is_deleting() {
                Installation::Draining { reason, message }
            } else {
                Installation::Blocked { reason, message }
            };
            Look { installation, cluster: None, next }
        }
    };
    tell(&world, &spoke, look).await
}

async fn tell(world: &World, spoke: &Manifest, look: Look) -> Next {
    let now = world.now();
    let lease = NamespacedName::new(LEASE_NAMESPACE, spoke_identity(spoke.name()));
    let heartbeat = Heartbeat::of(world.leases.get(&lease).as_deref());
    let seen = Seen { installation: look.installation, heartbeat, cluster: look.cluster };
    if let Some(patch) = status::patch(spoke, &seen, now) {
        let gvk = kinds::spoke();
        let written =
            world.cluster.merge_status(&gvk, "", spoke.name(), &patch, FIELD_MANAGER).await;
        match written {
            Err(error) if error.is_not_found() => return Next::Wait,
            Err(error) => {
                tracing::warn!(spoke = spoke.name(), %error, "status not written");
                return Next::Backoff;
            }
            Ok(_) => {}
        }
    }
    match (look.next, heartbeat.stale_in(now)) {
        (Next::Wait, Some(stale)) => Next::After(stale + Duration::from_millis(100)),
        (Next::After(delay), Some(stale)) => {
            Next::After(delay.min(stale + Duration::from_millis(100)))
        }
        (next, _) => next,
    }
}

async fn keep(world: &Arc<World>, spoke: &Manifest) -> Result<Option<Look>, Blocked> {
    let spec = spec(spoke)?;
    if let Some(patch) = with_finalizer(spoke, SPOKE_FINALIZER) {
        let gvk = kinds::spoke();
        world.cluster.merge(&gvk, "", spoke.name(), &patch, FIELD_MANAGER).await?;
        // The write wakes us.
        return Ok(None);
    }
    if spec.suspend == Some(true) {
        return Err(Blocked::until_changed("Suspended", "spec.suspend is true"));
    }
    let cluster = connect::target(world, spoke, &spec)?;
    let required = hold::everything(world, &spec, cluster.as_deref());
    let missing = hold::hold(world, spoke.name(), &required).await?;
    if let Some(missing) = missing.first() {
        let message = format!("{}/{} does not exist yet", missing.kind, missing.name);
        return Err(Blocked::for_now("RequiredObjectMissing", message));
    }
    let remote = connect::connect(world, spoke, &spec, cluster.as_deref()).await?;
    let (installation, next) = install::run(world, spoke, &spec, &remote).await?;
    let cluster = cluster.map(|cluster| cluster.name().to_owned());
    Ok(Some(Look { installation, cluster, next }))
}

/// The spec, read. The API server has checked its form; a hub that is older than its CRD may still meet what it cannot read.
fn spec(spoke: &Manifest) -> Result<SpokeSpec, Blocked> {
    let spec = spoke.value().get("spec").cloned().unwrap_or(Value::Null);
    serde_json::from_value(spec)
        .map_err(|error| Blocked::until_changed("InvalidSpec", format!("spec: {error}")))
}

fn reference(spoke: &Manifest) -> Option<ClusterReference> {
    let reference = spoke.value().pointer("/spec/clusterRef")?;
    serde_json::from_value(reference.clone()).ok()
}

/// Is this object the cluster of a Spoke?
pub(crate) fn uses(spoke: &Manifest, object: &Manifest) -> bool {
    reference(spoke).is_some_and(|reference| {
        let (wanted, found) = (target::kind(&reference), object.gvk());
        wanted.group == found.group
            && wanted.kind == found.kind
            && target::matches(&reference, spoke, object)
    })
}

/// Does a Spoke read this Secret?
pub(crate) fn reads_secret(spoke: &Manifest, secret: &Manifest) -> bool {
    ["/spec/source/secretRef", "/spec/kubeConfig/secretRef"].into_iter().any(|pointer| {
        spoke.value().pointer(pointer).is_some_and(|reference| {
            reference["name"] == secret.name() && reference["namespace"] == secret.namespace()
        })
    })
}

/// Wakes the Spokes whose cluster an object is.
pub(crate) fn wake_for_cluster(world: &Arc<World>, gvk: &GroupVersionKind, object: &Manifest) {
    if *gvk == kinds::spoke() || *gvk == kinds::crd() {
        return;
    }
    for spoke in world.watch(&kinds::spoke()).all() {
        if uses(&spoke, object) {
            world.queues.spokes.wake(spoke.name().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{reads_secret, uses};
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    fn object(api_version: &str, kind: &str, metadata: &Value, spec: &Value) -> Manifest {
        let value =
            json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn a_spoke_knows_its_cluster_and_its_secrets() {
        let spec = json!({
            "clusterRef": {"name": "c"},
            "source": {"url": "https://g", "secretRef": {"name": "s", "namespace": "n"}},
        });
        let spoke = object("fleet.capstan.dev/v1alpha1", "Spoke", &json!({"name": "a"}), &spec);
        let none = json!({});
        let cluster = |name| {
            object("eks.aws.crossplane.io/v1beta1", "Cluster", &json!({"name": name}), &none)
        };
        assert!(uses(&spoke, &cluster("c")));
        assert!(!uses(&spoke, &cluster("d")));
        assert!(!uses(&spoke, &object("v1", "Cluster", &json!({"name": "c"}), &none)));
        let secret = |namespace| {
            object("v1", "Secret", &json!({"name": "s", "namespace": namespace}), &none)
        };
        assert!(reads_secret(&spoke, &secret("n")));
        assert!(!reads_secret(&spoke, &secret("m")));
    }
}
