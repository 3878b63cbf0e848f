use std::time::Duration;

use capstan_api::flux::{REQUESTED_AT, ReceiverSpec};
use capstan_cluster::ClusterError;
use capstan_model::{Chain, ConditionStatus, Conditions, Manifest, NamespacedName};
use capstan_runtime::Next;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kinds;
use crate::source::secret_text;
use crate::world::World;

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
    let gvk = kinds::receiver();
    let Some(mut object) = world.cluster.get(&gvk, &key.namespace, &key.name).await? else {
        return Ok(Next::Wait);
    };
    if object.is_deleting() {
        world.remove_finalizer(&mut object).await?;
        return Ok(Next::Wait);
    }
    let outcome = match kinds::spec::<ReceiverSpec>(&object) {
        Ok(spec) => initialise(world, key, &spec).await?,
        Err(message) => Err(("ValidationFailed", message)),
    };
    let is_ready = outcome.is_ok();
    let status = status(&object, outcome);
    if status != without_times(&kinds::status(&object), &status) {
        world.write_status(&mut object, status).await?;
    }
    Ok(if is_ready { Next::After(INTERVAL) } else { Next::Backoff })
}

type Outcome = Result<String, (&'static str, String)>;

async fn initialise(
    world: &World,
    key: &NamespacedName,
    spec: &ReceiverSpec,
) -> Result<Outcome, ClusterError> {
    if !matches!(spec.type_.as_str(), "generic" | "generic-hmac") {
        let message = format!("receivers of type {} are not supported yet", spec.type_);
        return Ok(Err(("ValidationFailed", message)));
    }
    let name = &spec.secret_ref.name;
    let secret = world.cluster.get(&kinds::secret(), &key.namespace, name).await?;
    let token = secret.as_ref().and_then(|secret| secret_text(secret, "token"));
    Ok(match (secret, token) {
        (_, Some(token)) => Ok(webhook_path(&token, key)),
        (None, _) => {
            let message = format!(
                "Secret '{}/{name}' not found; create it, or correct spec.secretRef",
                key.namespace
            );
            Err(("TokenNotFound", message))
        }
        (Some(_), None) => {
            let message = format!("Secret '{}/{name}' has no key 'token'; add it", key.namespace);
            Err(("TokenNotFound", message))
        }
    })
}

/// Flux's path: `/hook/` and the SHA-256 of token, name and namespace, in hex.
fn webhook_path(token: &str, key: &NamespacedName) -> String {
    let digest = Sha256::digest(format!("{token}{}{}", key.name, key.namespace));
    format!("/hook/{}", hex::encode(digest))
}

fn status(object: &Manifest, outcome: Outcome) -> Value {
    let list = kinds::status(object).get("conditions").cloned().unwrap_or(Value::Null);
    let mut conditions: Conditions = serde_json::from_value(list).unwrap_or_default();
    let (now, generation) = (Timestamp::now(), object.generation());
    let mut status = match outcome {
        Ok(path) => {
            let message = format!("Receiver initialized for path: {path}");
            conditions.set("Ready", ConditionStatus::True, "Initialized", message, generation, now);
            json!({"webhookPath": path, "observedGeneration": generation})
        }
        Err((reason, message)) => {
            conditions.set("Ready", ConditionStatus::False, reason, message, generation, now);
            json!({"webhookPath": null})
        }
    };
    status["conditions"] = serde_json::to_value(conditions).expect("conditions are plain data");
    if let Some(requested_at) = object.annotation(REQUESTED_AT) {
        status["lastHandledReconcileAt"] = requested_at.into();
    }
    status
}

/// The parts of a status that a patch would touch, to see whether it would change anything.
fn without_times(before: &Value, patch: &Value) -> Value {
    let keys = patch.as_object().into_iter().flatten();
    keys.map(|(key, _)| (key.clone(), before.get(key).cloned().unwrap_or(Value::Null))).collect()
}

#[cfg(test)]
mod tests {
    use super::webhook_path;
    use capstan_model::NamespacedName;

    #[test]
    fn the_path_is_a_digest_of_token_name_and_namespace() {
        let path = webhook_path("token", &NamespacedName::new("flux-system", "hook"));
        assert_eq!(path.len(), "/hook/".len() + 64);
        assert_ne!(path, webhook_path("token", &NamespacedName::new("flux-system", "other")));
    }
}
