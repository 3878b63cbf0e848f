//! What a source says of itself.

use anyhow::{Context, Result};
use capstan_e2e::look::{find_condition, kind, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_model::Manifest;

use crate::unit::SOON;

/// Waits until the newest spec of a source has this status, and says all this.
pub(crate) async fn says(
    stage: &Stage,
    of: &str,
    name: &str,
    status: &str,
    words: &[&str],
) -> Result<Manifest> {
    let holds = |object: &Manifest| {
        find_condition(object, "Ready").is_some_and(|ready| {
            let message = ready["message"].as_str().unwrap_or_default();
            ready["status"] == status
                && ready["observedGeneration"].as_i64() == object.generation()
                && words.iter().all(|word| message.contains(word))
        })
    };
    let gvk = kind("source.toolkit.fluxcd.io/v1", of);
    let waiting = wait_for(&stage.management, &gvk, (NAMESPACE, name), SOON, holds).await;
    waiting.with_context(|| format!("wanted: {status} with {words:?}"))
}
