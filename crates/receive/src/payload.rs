//! The bodies of registries, as far as they are read: enough to see that it is what the type promises.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Reads the first JSON value of a body, as Go's decoder does: what comes after it is not looked at, null is empty.
pub(crate) fn first<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter();
    match values.next() {
        Some(value) => object(value?),
        // An error that says EOF.
        None => serde_json::from_slice(b""),
    }
}

/// Reads a body that is one JSON value.
pub(crate) fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    object(serde_json::from_slice(body)?)
}

fn object<T: DeserializeOwned>(value: Option<Map<String, Value>>) -> Result<T, serde_json::Error> {
    serde_json::from_value(Value::Object(value.unwrap_or_default()))
}

/// Of Quay.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Quay {
    pub(crate) docker_url: Option<String>,
    #[serde(rename = "updated_tags")]
    _updated_tags: Option<Vec<Option<String>>>,
}

/// Of Docker Hub.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DockerHub {
    pub(crate) push_data: Option<PushData>,
    pub(crate) repository: Option<Repository>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PushData {
    pub(crate) tag: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Repository {
    pub(crate) repo_url: Option<String>,
}

/// Of Nexus.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Nexus {
    #[serde(rename = "action")]
    _action: Option<String>,
    pub(crate) repository_name: Option<String>,
}

/// Of the Azure container registry.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Acr {
    #[serde(rename = "action")]
    _action: Option<String>,
    pub(crate) target: Option<AcrTarget>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AcrTarget {
    pub(crate) repository: Option<String>,
    pub(crate) tag: Option<String>,
}

/// Of Google's Pub/Sub, around the registry's own.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PubSub {
    message: Option<Message>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    data: Option<String>,
}

/// Of the Google container registry.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gcr {
    action: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) tag: Option<String>,
}

impl Gcr {
    /// Reads what Pub/Sub carries: JSON in base64.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let outer: PubSub =
            first(body).map_err(|error| format!("cannot decode GCR webhook payload: {error}"))?;
        let data = outer.message.and_then(|message| message.data).unwrap_or_default();
        let data = STANDARD.decode(data).unwrap_or_default();
        whole(&data).map_err(|error| format!("cannot decode GCR webhook body: {error}"))
    }

    /// What filters see of it.
    pub(crate) fn body(&self) -> Value {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        json!({"action": text(&self.action), "digest": text(&self.digest), "tag": text(&self.tag)})
    }
}
