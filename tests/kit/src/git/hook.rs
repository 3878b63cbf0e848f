//! What happens after a push.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// A push of one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The repository's name.
    pub repo: String,
    /// The branch.
    pub branch: String,
    /// Its new commit.
    pub commit: String,
}

/// A receiver that is told about pushes: a POST, signed as Flux's receiver type `generic-hmac` wants.
#[derive(Debug, Clone)]
pub struct WebHook {
    /// Where to post.
    pub url: String,
    /// The key of the signature.
    pub token: String,
}

/// What became of a post to a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The push that it told.
    pub push: Push,
    /// Where it went.
    pub url: String,
    /// The answer's status, or why there was no answer.
    pub outcome: Result<u16, String>,
}

/// How long a receiver may take.
const LIMIT: Duration = Duration::from_secs(10);

type Callback = Box<dyn Fn(&Push) + Send + Sync>;

/// The hooks of one repository.
#[derive(Default)]
pub(super) struct Hooks {
    web: Mutex<Vec<WebHook>>,
    callbacks: Mutex<Vec<Callback>>,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

impl Hooks {
    pub(super) fn add(&self, hook: WebHook) {
        lock(&self.web).push(hook);
    }

    pub(super) fn call(&self, callback: Callback) {
        lock(&self.callbacks).push(callback);
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.deliveries).clone()
    }

    /// Tells everybody; posts go out beside the caller, as from a hosted server.
    pub(super) fn fire(&self, push: &Push) {
        for callback in lock(&self.callbacks).iter() {
            callback(push);
        }
        for hook in lock(&self.web).iter().cloned() {
            let (push, deliveries) = (push.clone(), Arc::clone(&self.deliveries));
            tokio::spawn(async move {
                let outcome = post(&hook, &push).await;
                lock(&deliveries).push(Delivery { push, url: hook.url, outcome });
            });
        }
    }
}

async fn post(hook: &WebHook, push: &Push) -> Result<u16, String> {
    let body = json!({
        "repository": push.repo, "ref": format!("refs/heads/{}", push.branch), "after": push.commit,
    })
    .to_string();
    let signature = format!("sha256={}", sign(hook.token.as_bytes(), body.as_bytes()));
    let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build();
    let request = client
        .map_err(|error| error.to_string())?
        .post(&hook.url)
        .header("Content-Type", "application/json")
        .header("X-Signature", signature)
        .body(body);
    let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
    Ok(answer.status().as_u16())
}

fn sign(key: &[u8], body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("because HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_rfc_4231_says() {
        let signature = sign(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
