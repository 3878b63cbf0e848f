//! Claims: each has a composite of its own, and shows its state.

use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::{ClusterError, DeleteOptions};
use capstan_compose::claim::{self, ClaimError};
use capstan_compose::{configure, meta};
use capstan_model::{Chain, ConditionStatus, Conditions, Manifest};
use capstan_runtime::Next;
use jiff::Timestamp;
use serde_json::Value;

use crate::composite::{CompositeError, Definition, details, write_secret, write_status};
use crate::names::suffix;
use crate::object::{
    conditions, is_paused, is_ready, ready_text, text, with_finalizer, without_finalizer,
};
use crate::world::{ClaimKey, World};
use crate::{FIELD_MANAGER, kinds};

/// Why a claim could not be dealt with: the message of its condition.
#[derive(Debug, thiserror::Error)]
enum Fault {
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The claim cannot have its composite.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The Secret could not be written.
    #[error(transparent)]
    Secret(#[from] CompositeError),
}

/// Reconciles one claim.
pub(crate) async fn reconcile(world: Arc<World>, key: ClaimKey) -> Next {
    let (gvk, id) = &key;
    let Some(definition) = world.composites.definition(&gvk.group, &gvk.kind) else {
        return Next::Wait;
    };
    let claim = match world.cluster.get(gvk, &id.namespace, &id.name).await {
        Ok(Some(claim)) => claim,
        Ok(None) | Err(ClusterError::NoSuchKind(_)) => return Next::Wait,
        Err(error) => {
            tracing::warn!(%gvk, %id, %error, "claim not read");
            return Next::Backoff;
        }
    };
    if is_paused(&claim) && !claim.is_deleting() {
        return Next::Wait;
    }
    let done = if claim.is_deleting() {
        let_go(&world, &definition, &claim).await
    } else {
        sync(&world, &definition, &claim).await
    };
    match done {
        Ok(next) => next,
        Err(Fault::Cluster(error)) if error.is_conflict() => Next::After(Duration::from_millis(50)),
        Err(error) => {
            failed(&world, &claim, &error).await;
            Next::Backoff
        }
    }
}

async fn composite_of(
    world: &World,
    definition: &Definition,
    claim: &Manifest,
) -> Result<Option<Manifest>, ClusterError> {
    match claim::bound_to(claim) {
        Some(name) => world.cluster.get(&definition.composite, "", name).await,
        None => Ok(None),
    }
}

async fn sync(world: &World, definition: &Definition, claim: &Manifest) -> Result<Next, Fault> {
    if let Some(patch) = with_finalizer(claim, meta::FINALIZER_CLAIM) {
        let (gvk, namespace) = (claim.gvk(), claim.namespace());
        world.cluster.merge(&gvk, namespace, claim.name(), &patch, FIELD_MANAGER).await?;
        // The write wakes us.
        return Ok(Next::Wait);
    }
    let composite = composite_of(world, definition, claim).await?;
    if composite.as_ref().is_some_and(Manifest::is_deleting) {
        // A claim whose composite was deleted gets a new one once the old is gone.
        tell(world, claim, composite.as_ref(), None).await?;
        return Ok(Next::After(Duration::from_secs(1)));
    }
    let mut new_name = |prefix: &str| format!("{prefix}{}", suffix(&mut rand::rng()));
    let synced = claim::sync(claim, composite.as_ref(), &definition.xrd, &mut new_name)?;
    let mut claim = claim.clone();
    if synced.claim_changed {
        // Before the composite exists: a crash in between must not leave one that nobody knows.
        claim = world.cluster.replace(&synced.claim, FIELD_MANAGER).await?;
    }
    let composite = match (&composite, synced.composite_changed) {
        (None, _) => world.cluster.create(&synced.composite, FIELD_MANAGER).await?,
        (Some(_), true) => world.cluster.replace(&synced.composite, FIELD_MANAGER).await?,
        (Some(composite), false) => composite.clone(),
    };
    let published = propagate(world, &claim, &composite).await?;
    tell(world, &claim, Some(&composite), published).await?;
    Ok(Next::Wait)
}

/// Copies the composite's connection Secret to where the claim wants it. When it was written: the time.
async fn propagate(
    world: &World,
    claim: &Manifest,
    composite: &Manifest,
) -> Result<Option<Timestamp>, Fault> {
    let Some(to) = claim::connection_secret(claim) else { return Ok(None) };
    let Some(from) = configure::connection_secret(composite) else { return Ok(None) };
    let secret = world.cluster.get(&kinds::secret(), &from.namespace, &from.name).await?;
    let details = secret.map(|secret| details(&secret)).unwrap_or_default();
    if details.is_empty() {
        return Ok(None);
    }
    let changed = write_secret(world, claim, &to, &details).await?;
    Ok(changed.then(|| world.now()))
}

async fn tell(
    world: &World,
    claim: &Manifest,
    composite: Option<&Manifest>,
    published: Option<Timestamp>,
) -> Result<(), ClusterError> {
    let mut status = composite.map_or(Value::Null, |composite| claim::status(claim, composite));
    if status.is_null() {
        status = serde_json::json!({});
    }
    let mut all = conditions(claim);
    let now = world.now();
    all.set("Synced", ConditionStatus::True, "ReconcileSuccess", "", None, now);
    set_ready(&mut all, composite, now);
    status["conditions"] = serde_json::to_value(all).expect("conditions are serialisable");
    if let Some(at) = published {
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        status["connectionDetails"] = serde_json::json!({"lastPublishedTime": at});
    }
    write_status(world, claim, &status).await
}

/// A claim is as ready as its composite.
fn set_ready(all: &mut Conditions, composite: Option<&Manifest>, now: Timestamp) {
    match composite {
        Some(composite) if is_ready(composite) => {
            all.set("Ready", ConditionStatus::True, "Available", "", None, now);
        }
        other => {
            let why =
                other.map(|composite| format!(": {} ({})", composite.id(), ready_text(composite)));
            let message = format!(
                "Claim is waiting for composite resource to become Ready{}",
                why.unwrap_or_default()
            );
            all.set("Ready", ConditionStatus::False, "Waiting", message, None, now);
        }
    }
}

/// Deletes the composite; with policy Foreground the claim waits until it is gone.
async fn let_go(world: &World, definition: &Definition, claim: &Manifest) -> Result<Next, Fault> {
    let composite = composite_of(world, definition, claim).await?;
    let ours = composite.filter(|composite| is_bound(composite, claim));
    let foreground = text(claim, "/spec/compositeDeletePolicy") == "Foreground";
    if let Some(composite) = &ours {
        if !composite.is_deleting() {
            // Never the garbage collector's foreground: it would delete children before their turn. The composite stays
            // until they are gone anyway.
            let options =
                DeleteOptions { uid: Some(composite.uid().to_owned()), ..DeleteOptions::default() };
            let gvk = composite.gvk();
            world.cluster.delete(&gvk, "", composite.name(), &options).await?;
        }
        if foreground {
            let mut all = conditions(claim);
            let message = format!("{}: {}", composite.id(), ready_text(composite));
            all.set("Ready", ConditionStatus::False, "Deleting", message, None, world.now());
            let status = serde_json::json!({"conditions": all});
            write_status(world, claim, &status).await?;
            return Ok(Next::After(Duration::from_secs(1)));
        }
    }
    if let Some(patch) = without_finalizer(claim, meta::FINALIZER_CLAIM) {
        let (gvk, namespace) = (claim.gvk(), claim.namespace());
        match world.cluster.merge(&gvk, namespace, claim.name(), &patch, FIELD_MANAGER).await {
            Err(error) if error.is_not_found() => {}
            other => drop(other?),
        }
    }
    Ok(Next::Wait)
}

fn is_bound(composite: &Manifest, claim: &Manifest) -> bool {
    text(composite, "/spec/claimRef/name") == claim.name()
        && text(composite, "/spec/claimRef/namespace") == claim.namespace()
}

async fn failed(world: &World, claim: &Manifest, error: &Fault) {
    let message = Chain(error).to_string();
    tracing::warn!(claim = %claim.id(), %message, "claim not reconciled");
    let mut all = conditions(claim);
    all.set("Synced", ConditionStatus::False, "ReconcileError", message, None, world.now());
    if let Err(error) = write_status(world, claim, &serde_json::json!({"conditions": all})).await {
        tracing::warn!(%error, "status not written");
    }
}

#[cfg(test)]
mod tests {
    use super::{is_bound, set_ready};
    use capstan_model::{Conditions, Manifest};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn composite(spec: &Value, ready: &str) -> Manifest {
        let value = json!({"apiVersion": "g/v1", "kind": "X", "metadata": {"name": "x"},
            "spec": spec, "status": {"conditions": [{"type": "Ready", "status": ready,
                "reason": "Creating", "message": "vpc", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn a_claim_is_as_ready_as_its_composite() {
        let now = Timestamp::UNIX_EPOCH;
        let mut all = Conditions::default();
        set_ready(&mut all, Some(&composite(&json!({}), "True")), now);
        assert!(all.is_true("Ready"));
        set_ready(&mut all, Some(&composite(&json!({}), "False")), now);
        let ready = all.get("Ready").expect("set");
        assert_eq!(ready.reason, "Waiting");
        assert!(ready.message.ends_with("X/x (Creating: vpc)"), "{}", ready.message);
    }

    #[test]
    fn a_composite_is_deleted_with_its_own_claim_only() {
        let claim =
            json!({"apiVersion": "g/v1", "kind": "C", "metadata": {"name": "c", "namespace": "n"}});
        let claim = Manifest::try_from(claim).expect("valid");
        let bound = |namespace| json!({"claimRef": {"name": "c", "namespace": namespace}});
        assert!(is_bound(&composite(&bound("n"), "True"), &claim));
        assert!(!is_bound(&composite(&bound("m"), "True"), &claim));
        assert!(!is_bound(&composite(&json!({}), "True"), &claim));
    }
}
