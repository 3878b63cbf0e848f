use std::collections::BTreeMap;
use std::time::Duration;

use capstan_api::flux::{LocalReference, ReceiverSpec};
use capstan_cluster::{ClusterError, EventType, Note};
use capstan_model::{Chain, FluxDuration, Manifest, NamespacedName};
use capstan_receive::{Credentials, validate, webhook_path};
use capstan_report::{Failure, ReceiverOutcome, receiver_status};
use capstan_runtime::Next;
use jiff::Timestamp;
use serde_json::Value;

use crate::follow::Topic;
use crate::kinds;
use crate::world::{Place, World};

/// Flux's component name in events.
const COMPONENT: &str = "notification-controller";
/// Flux's default for how often the Secret is read again.
const INTERVAL: Duration = Duration::from_secs(600);

/// Gives a Receiver its path.
pub(crate) async fn reconcile(world: World, key: NamespacedName) -> Next {
    match reconcile_receiver(&world, &key).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(receiver = %key, error = %Chain(&error), "failed to read or report");
            Next::Backoff
        }
    }
}

async fn reconcile_receiver(world: &World, key: &NamespacedName) -> Result<Next, ClusterError> {
    let read = world.cluster.get(&kinds::receiver(), &key.namespace, &key.name).await?;
    let Some(mut object) = read else {
        follow(world, key, None);
        return Ok(Next::Wait);
    };
    if object.is_deleting() {
        follow(world, key, None);
        world.remove_finalizer(&mut object).await?;
        return Ok(Next::Wait);
    }
    world.add_finalizer(&mut object).await?;
    let spec = match kinds::spec::<ReceiverSpec>(&object) {
        Ok(spec) => spec,
        Err(message) => {
            return report(world, &mut object, stalled("ValidationFailed", &message), INTERVAL)
                .await;
        }
    };
    if spec.suspend == Some(true) {
        return Ok(Next::Wait);
    }
    follow(world, key, spec.secret_ref.as_ref());
    let interval = spec.interval.as_deref().and_then(|text| text.parse::<FluxDuration>().ok());
    let interval = interval.map_or(INTERVAL, |interval| interval.0);
    let outcome = initialise(world, key, &spec).await?;
    report(world, &mut object, outcome, interval).await
}

/// From now on a change of the Secret wakes the Receiver: a token that was rotated moves the path at once.
fn follow(world: &World, key: &NamespacedName, secret: Option<&LocalReference>) {
    let place = |secret: &LocalReference| Place::new(kinds::secret(), &key.namespace, &secret.name);
    let places: Vec<_> = secret.map(place).into_iter().collect();
    world.followed_by_receivers.follow(key, Topic::Inputs, &world.cluster, &places);
}

fn stalled(reason: &str, why: &str) -> ReceiverOutcome {
    let message = format!("Reconciliation failed terminally due to configuration error: {why}");
    ReceiverOutcome::Failed(Failure { reason: reason.to_owned(), message, stalled: true })
}

async fn initialise(
    world: &World,
    key: &NamespacedName,
    spec: &ReceiverSpec,
) -> Result<ReceiverOutcome, ClusterError> {
    if let Err(invalid) = validate(spec) {
        return Ok(stalled(invalid.reason, &invalid.message));
    }
    let Some(reference) = &spec.secret_ref else {
        return Ok(ReceiverOutcome::Listens(webhook_path(b"", key)));
    };
    let name = &reference.name;
    let secret = world.cluster.get(&kinds::secret(), &key.namespace, name).await?;
    let message = match secret.as_ref().map(Credentials::of) {
        Some(Some(secret)) => {
            return Ok(ReceiverOutcome::Listens(webhook_path(secret.token.expose(), key)));
        }
        Some(None) => format!(
            "invalid '{}/{name}' secret data: required fields 'token'; add it",
            key.namespace
        ),
        None => format!(
            "unable to read token from secret '{}/{name}' error: Secret \"{name}\" not found; create it, or correct \
             spec.secretRef",
            key.namespace
        ),
    };
    let reason = "TokenNotFound".to_owned();
    Ok(ReceiverOutcome::Failed(Failure { reason, message, stalled: false }))
}

/// Writes the status, and an event when it says something new.
async fn report(
    world: &World,
    object: &mut Manifest,
    outcome: ReceiverOutcome,
    interval: Duration,
) -> Result<Next, ClusterError> {
    let before = kinds::status(object);
    let status = receiver_status(&before, &outcome, World::ended(object));
    let is_new = |(key, value): (&String, &Value)| before.get(key).unwrap_or(&Value::Null) != value;
    let says_more = status.as_object().is_some_and(|status| status.iter().any(is_new));
    let (type_, reason, message, next) = match outcome {
        ReceiverOutcome::Listens(_) => {
            let interval_text = FluxDuration(interval);
            let message = format!("Reconciliation finished, next run in {interval_text}");
            (EventType::Normal, "Succeeded".to_owned(), message, Next::After(interval))
        }
        ReceiverOutcome::Failed(Failure { reason, message, stalled: true }) => {
            (EventType::Warning, reason, message, Next::Wait)
        }
        ReceiverOutcome::Failed(failure) => {
            (EventType::Warning, "Failed".to_owned(), failure.message, Next::Backoff)
        }
    };
    if says_more {
        world.write_status(object, status).await?;
        tracing::info!(receiver = %object.id(), message, "reconciled");
        let note = Note { type_, reason, message, annotations: BTreeMap::new() };
        world.cluster.record(object, COMPONENT, note, Timestamp::now()).await;
    }
    Ok(next)
}
