//! What a call takes from an object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Pass;
use crate::decide::Sight;
use crate::erased::Request;

impl Pass<'_> {
    pub(super) fn inputs(&self) -> Inputs {
        let seen_name = match &self.sight {
            Sight::Present(seen) => seen.external_name.clone(),
            _ => None,
        };
        let managed = self.managed();
        let region = self.resolution.spec.get("region").and_then(Value::as_str);
        Inputs {
            name: self.object.name().to_owned(),
            uid: self.object.uid().to_owned(),
            labels: managed.labels(),
            external_name: managed.external_name().map(str::to_owned).or(seen_name),
            region: region.unwrap_or(&self.world.options().aws_region).to_owned(),
            client_token: client_token(self.object.uid(), managed.pending_text()),
            applied_tags: managed.applied_tags(),
        }
    }
}

/// What a call takes from the object.
pub(super) struct Inputs {
    name: String,
    uid: String,
    labels: BTreeMap<String, String>,
    external_name: Option<String>,
    region: String,
    client_token: String,
    applied_tags: BTreeSet<String>,
}

impl Inputs {
    pub(super) fn request<'a>(
        &'a self,
        spec: &'a Value,
        provider: &'a (dyn std::any::Any + Send + Sync),
    ) -> Request<'a> {
        Request {
            spec,
            name: &self.name,
            uid: &self.uid,
            labels: &self.labels,
            external_name: self.external_name.as_deref(),
            region: &self.region,
            provider,
            client_token: &self.client_token,
            applied_tags: &self.applied_tags,
        }
    }
}

/// The token of one intended create: the same for its retries, another for the next intent.
fn client_token(uid: &str, intent: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("{uid}/{intent}")));
    format!("capstan-{}", &digest[..40])
}

#[cfg(test)]
mod tests {
    use super::client_token;

    #[test]
    fn a_token_belongs_to_one_intent() {
        let token = client_token("uid", "2026-01-01T00:00:00Z");
        assert_eq!(token, client_token("uid", "2026-01-01T00:00:00Z"));
        assert_ne!(token, client_token("uid", "2026-01-01T00:00:01Z"));
        assert_ne!(token, client_token("other", "2026-01-01T00:00:00Z"));
        assert!(token.len() <= 64 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    }
}
