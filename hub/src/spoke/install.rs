//! Installing the agent, and keeping it installed.

use std::time::{Duration, Instant};

use capstan_api::fleet::SpokeSpec;
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{Chain, Manifest};
use capstan_runtime::Next;

use super::status::Installation;
use super::{Blocked, bundle, identity};
use crate::object::conditions;
use crate::world::World;
use crate::{APPLY, kinds};

/// How often an installation that has not changed is applied again, in case somebody has.
const VERIFY: Duration = Duration::from_secs(10 * 60);
/// How soon CRDs that were just applied are looked at again.
const ESTABLISHING: Duration = Duration::from_millis(200);

/// Brings the spoke to what its Spoke says.
pub(super) async fn run(
    world: &World,
    spoke: &Manifest,
    spec: &SpokeSpec,
    remote: &Cluster,
) -> Result<(Installation, Next), Blocked> {
    let name = spoke.name();
    let agent_spec = spec.agent.clone().unwrap_or_default();
    let agent = bundle::agent(&agent_spec)
        .map_err(|error| Blocked::until_changed("BuildFailed", Chain(&error).to_string()))?;
    let crds = bundle::crds();
    let mut rest = agent;
    rest.extend(credentials(world, spec).await?);
    rest.extend(bundle::root(&spec.source));
    let everything: Vec<Manifest> = crds.iter().chain(&rest).cloned().collect();
    let digest = bundle::digest(&everything);
    let (fresh, token_due) = world.spokes.with(name, |memory| {
        let fresh = memory
            .installed
            .as_ref()
            .is_some_and(|(known, at)| *known == digest && at.elapsed() < VERIFY);
        let due = memory.renew_token.is_none_or(|at| at <= Instant::now());
        (fresh, due)
    });
    if !fresh {
        if !apply_crds(remote, &crds).await.map_err(unreachable)? {
            let message = "the API server of the spoke does not serve all CRDs yet".to_owned();
            let installation = Installation::Blocked { reason: "Installing", message };
            return Ok((installation, Next::After(ESTABLISHING)));
        }
        for object in &rest {
            remote.apply(object, APPLY).await.map_err(unreachable)?;
        }
    }
    if token_due {
        // After the namespaces, which the Secret needs; the agent waits for it.
        renew_token(world, name, remote).await?;
    }
    if !fresh {
        tracing::info!(spoke = name, digest, "agent installed");
        let installed = Some((digest.clone(), Instant::now()));
        world.spokes.with(name, |memory| memory.installed = installed);
    }
    let version = agent_spec.version.unwrap_or_else(bundle::own_version);
    let renew = world.spokes.with(name, |memory| memory.renew_token);
    let until_renewal = renew.map_or(VERIFY, |at| at.saturating_duration_since(Instant::now()));
    Ok((Installation::Done { version, digest }, Next::After(until_renewal.min(VERIFY))))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreachable(error: ClusterError) -> Blocked {
    let reason = match &error {
        ClusterError::Transport { .. } => "ClusterUnreachable",
        error if error.is_forbidden() => "ClusterUnreachable",
        _ => "InstallFailed",
    };
    Blocked::for_now(reason, Chain(&error).to_string())
}

/// True once all of them are served.
async fn apply_crds(remote: &Cluster, crds: &[Manifest]) -> Result<bool, ClusterError> {
    let mut served = true;
    for crd in crds {
        let stored = remote.apply(crd, APPLY).await?;
        served &= conditions(&stored).is_true("Established");
    }
    Ok(served)
}

/// The Git credentials that the Spoke names.
async fn credentials(world: &World, spec: &SpokeSpec) -> Result<Option<Manifest>, Blocked> {
    let Some(place) = &spec.source.secret_ref else { return Ok(None) };
    let secret = world.cluster.get(&kinds::secret(), &place.namespace, &place.name).await?;
    match secret {
        Some(secret) => Ok(Some(bundle::credentials(&secret))),
        None => Err(Blocked::for_now(
            "SecretNotFound",
            format!(
                "Secret/{}/{} does not exist: create it with the Git credentials, or take spec.source.secretRef away",
                place.namespace, place.name
            ),
        )),
    }
}

async fn renew_token(world: &World, spoke: &str, remote: &Cluster) -> Result<(), Blocked> {
    let token = identity::establish(&world.cluster, &world.namespace, spoke).await?;
    let secret = identity::secret(&world.endpoint, spoke, &token.token);
    identity::hand_over(remote, &secret).await.map_err(unreachable)?;
    let renew_at = Instant::now() + identity::renew_after(&token, world.now());
    world.spokes.with(spoke, |memory| memory.renew_token = Some(renew_at));
    Ok(())
}
