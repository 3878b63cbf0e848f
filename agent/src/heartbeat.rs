//! How the agent of a spoke tells the hub that it lives: its own Spoke's status and Lease, and nothing else.

use std::time::Duration;

use capstan_api::fleet::{
    GROUP, HUB_SECRET, HUB_SECRET_NAMESPACE, LEASE_NAMESPACE, SPOKE, VERSION, spoke_identity,
};
use capstan_cluster::{ApplyOptions, Cluster, ClusterError};
use capstan_model::{Chain, GroupVersionKind, Manifest, Secret};
use capstan_runtime::Stop;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kinds;
use crate::source::secret_text;
use crate::world::World;

/// Four beats fit into the time after which the hub calls an agent lost.
const BEAT: Duration = Duration::from_secs(10);
/// The life of the Lease, in seconds.
const LEASE_SECONDS: u64 = 40;
/// Who writes.
const FIELD_MANAGER: &str = "capstan-agent";

/// Beats until `stop`. Without a hub there is nothing to do; a hub that is away is no trouble.
pub(crate) async fn run(world: World, stop: Stop) {
    while !stop.is_cancelled() {
        let pause = match beat(&world).await {
            Ok(told) => told,
            Err(error) => {
                tracing::debug!(error = %error, "the hub could not be told");
                true
            }
        };
        tokio::select! {
            () = tokio::time::sleep(BEAT), if pause => {}
            () = hub_comes(&world), if !pause => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Waits for the hub's Secret, so that the first beat comes at once.
async fn hub_comes(world: &World) {
    let (gvk, there) = (kinds::secret(), |secret: Option<&Manifest>| secret.is_some());
    let waiting = world.cluster.wait_until(&gvk, HUB_SECRET_NAMESPACE, HUB_SECRET, BEAT, there);
    if waiting.await.is_err() {
        tokio::time::sleep(BEAT).await;
    }
}

/// Tells the hub; false when there is none.
async fn beat(world: &World) -> Result<bool, String> {
    let Some((hub, spoke)) = hub(world).await? else { return Ok(false) };
    let chain = |error: ClusterError| Chain(&error).to_string();
    let gvk = GroupVersionKind::new(GROUP, VERSION, SPOKE);
    let patch = json!({"status": {"agent": report(world)}});
    hub.merge_status(&gvk, "", &spoke, &patch, FIELD_MANAGER).await.map_err(chain)?;
    let options = ApplyOptions { field_manager: FIELD_MANAGER, force: true, dry_run: false };
    hub.apply(&lease(&spoke), options).await.map_err(chain)?;
    Ok(true)
}

/// The hub, by the kubeconfig that it left in a Secret here.
async fn hub(world: &World) -> Result<Option<(Cluster, String)>, String> {
    let secret = world
        .cluster
        .get(&kinds::secret(), HUB_SECRET_NAMESPACE, HUB_SECRET)
        .await
        .map_err(|error| Chain(&error).to_string())?;
    let Some(secret) = secret else { return Ok(None) };
    let kubeconfig = secret_text(&secret, "kubeconfig").ok_or("the Secret has no kubeconfig")?;
    let spoke = secret_text(&secret, "spoke").ok_or("the Secret names no spoke")?;
    let hub = Cluster::from_untrusted_kubeconfig(&Secret::new(kubeconfig))
        .await
        .map_err(|error| Chain(&error).to_string())?;
    Ok(Some((hub, spoke)))
}

fn report(world: &World) -> Value {
    let units = world.kustomizations.all();
    let ready = units.iter().filter(|unit| kinds::is_ready(unit)).count();
    let root = units.iter().find(|unit| unit.name() == "flux-system");
    let revision = root.and_then(|unit| {
        unit.value()
            .pointer("/status/lastAppliedRevision")
            .and_then(Value::as_str)
            .map(str::to_owned)
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "lastHeartbeatTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "revision": revision,
        "units": { "ready": ready, "total": units.len() },
    })
}

fn lease(spoke: &str) -> Manifest {
    let name = spoke_identity(spoke);
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASE_NAMESPACE},
        "spec": {"holderIdentity": name, "renewTime": now, "leaseDurationSeconds": LEASE_SECONDS},
    });
    Manifest::try_from(lease).expect("it has apiVersion, kind and name")
}
