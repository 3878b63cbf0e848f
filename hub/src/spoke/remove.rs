//! The end of a Spoke: drain, let go, clean up.

use std::sync::Arc;
use std::time::Duration;

use capstan_api::fleet::{OnTimeout, SPOKE_FINALIZER, SpokeSpec};
use capstan_cluster::Cluster;
use capstan_model::{Chain, GroupVersionKind, Manifest};
use capstan_runtime::Next;

use super::drain::{self, Progress};
use super::status::Installation;
use super::target::Target;
use super::{Blocked, Look, connect, hold, identity, spec};
use crate::object::{conditions, finalizers, without_finalizer};
use crate::world::World;
use crate::{FIELD_MANAGER, kinds};

/// The agent's progress is not watched from here: it is looked at this often.
const POLL: Duration = Duration::from_secs(1);

/// Makes one step. Nothing is left to say once the Spoke is gone.
pub(super) async fn run(world: &Arc<World>, spoke: &Manifest) -> Result<Option<Look>, Blocked> {
    if !finalizers(spoke).iter().any(|known| known == SPOKE_FINALIZER) {
        return Ok(None);
    }
    // A Spoke that cannot be read has installed nothing.
    if let Ok(spec) = spec(spoke)
        && conditions(spoke).is_true("AgentInstalled")
    {
        match drain(world, spoke, &spec).await {
            Ok(Progress::Drained) => {}
            Ok(Progress::Left(left)) => {
                if !may_give_up(spoke, &spec, world) {
                    return Ok(Some(waiting(spoke, &spec, world, &left)));
                }
                tracing::warn!(spoke = spoke.name(), left, "drain given up");
            }
            Err(blocked) if may_give_up(spoke, &spec, world) => {
                tracing::warn!(spoke = spoke.name(), blocked.message, "drain given up");
            }
            Err(blocked) => return Err(blocked),
        }
    }
    let required = spec(spoke).ok().and_then(|spec| spec.agent).map(|agent| agent.requires);
    hold::release(world, spoke.name(), &required.unwrap_or_default()).await?;
    identity::remove(&world.cluster, &world.namespace, spoke.name()).await?;
    if let Some(patch) = without_finalizer(spoke, SPOKE_FINALIZER) {
        let gvk = kinds::spoke();
        match world.cluster.merge(&gvk, "", spoke.name(), &patch, FIELD_MANAGER).await {
            Err(error) if error.is_not_found() => {}
            other => drop(other?),
        }
    }
    world.spokes.forget(spoke.name());
    Ok(None)
}

fn may_give_up(spoke: &Manifest, spec: &SpokeSpec, world: &World) -> bool {
    let policy = spec.drain.clone().unwrap_or_default();
    drain::overdue(spoke, &policy, world.now()) == Some(OnTimeout::Continue)
}

fn waiting(spoke: &Manifest, spec: &SpokeSpec, world: &World, left: &str) -> Look {
    let policy = spec.drain.clone().unwrap_or_default();
    let (reason, message) = match drain::overdue(spoke, &policy, world.now()) {
        Some(_) => (
            "DrainTimedOut",
            format!(
                "still left: {left}; remove it in the spoke, or set spec.drain.onTimeout to Continue to leave it behind"
            ),
        ),
        None => ("Draining", format!("waiting for the agent to remove {left}")),
    };
    Look {
        installation: Installation::Draining { reason, message },
        cluster: None,
        next: Next::After(POLL),
    }
}

async fn drain(
    world: &Arc<World>,
    spoke: &Manifest,
    spec: &SpokeSpec,
) -> Result<Progress, Blocked> {
    let cluster = match spec.kube_config {
        Some(_) => None,
        None => match connect::seek(world, spoke)? {
            // It is still there while somebody holds it, whether ready or going.
            Target::Ready(cluster) | Target::NotReady(cluster, _) => Some(cluster),
            // What was in it is gone with it.
            Target::Absent(_) => return Ok(Progress::Drained),
            Target::Ambiguous(message) => {
                return Err(Blocked::until_changed("AmbiguousCluster", message));
            }
        },
    };
    let remote = connect::connect(world, spoke, spec, cluster.as_deref()).await?;
    step(&remote).await
}

async fn step(remote: &Cluster) -> Result<Progress, Blocked> {
    let unreachable =
        |error| Blocked::for_now("ClusterUnreachable", Chain::to_string(&Chain(&error)));
    let progress = drain::step(remote, &managed()).await.map_err(unreachable)?;
    if progress == Progress::Drained {
        drain::retire(remote).await.map_err(unreachable)?;
    }
    Ok(progress)
}

/// The kinds of managed resources that a spoke may hold.
fn managed() -> Vec<GroupVersionKind> {
    let crds = capstan_kinds::crds();
    let of = |crd: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
        let version = crd.spec.versions.iter().find(|version| version.storage)?;
        Some(GroupVersionKind::new(&crd.spec.group, &version.name, &crd.spec.names.kind))
    };
    let is_config =
        |gvk: &GroupVersionKind| gvk.kind == "ProviderConfig" || gvk.kind == "ProviderConfigUsage";
    crds.iter().filter_map(of).filter(|gvk| !is_config(gvk)).collect()
}

#[cfg(test)]
mod tests {
    use super::managed;

    #[test]
    fn what_connects_is_not_waited_for() {
        let kinds: Vec<_> = managed().into_iter().map(|gvk| gvk.kind).collect();
        assert!(kinds.iter().any(|kind| kind == "Table"), "{kinds:?}");
        assert!(!kinds.iter().any(|kind| kind == "ProviderConfig"), "{kinds:?}");
    }
}
