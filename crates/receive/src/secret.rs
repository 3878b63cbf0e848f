use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_model::{Manifest, Secret};
use serde_json::Value;

/// What a Receiver's Secret holds. A type that needs no Secret has none of it.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Salt of the path, and what most types authenticate with.
    pub token: Secret<Vec<u8>>,
    /// The account that pushes for Google.
    pub email: String,
    /// The audience of Google's tokens.
    pub audience: String,
}

impl Credentials {
    /// The credentials in a Secret; nothing without the key `token`.
    pub fn of(secret: &Manifest) -> Option<Self> {
        let bytes = |key: &str| {
            let encoded = secret.value().get("data")?.get(key).and_then(Value::as_str)?;
            STANDARD.decode(encoded).ok()
        };
        let text =
            |key: &str| bytes(key).and_then(|it| String::from_utf8(it).ok()).unwrap_or_default();
        let token = Secret::new(bytes("token")?);
        Some(Self { token, email: text("email"), audience: text("audience") })
    }
}
