//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use std::sync::LazyLock;

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;

use crate::document::{Comment, Value};

/// SOPS takes 32 random bytes for a nonce, not the usual 12.
type Cipher = AesGcm<Aes256, U32>;

const NONCE: usize = 32;
const NO_MATCH: &str = "Input string <redacted> does not match sops' data format";

#[expect(clippy::expect_used, reason = "a constant")]
static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]").expect("a regex")
});

/// The key of a file's values.
pub(crate) struct DataKey(Cipher);

impl DataKey {
    /// Takes the 32 bytes of a key.
    pub(crate) fn new(key: &[u8]) -> Result<Self, String> {
        let cipher = Cipher::new_from_slice(key);
        cipher.map(Self).map_err(|_| format!("the data key has {} bytes, not 32", key.len()))
    }

    /// The value behind a text. `path` holds the keys that lead to it, to which its encryption is bound. An empty text is itself.
    pub(crate) fn decrypt(&self, text: &[u8], path: &[String]) -> Result<Value, &'static str> {
        if text.is_empty() {
            return Ok(Value::Text(Vec::new()));
        }
        let text = str::from_utf8(text).map_err(|_| NO_MATCH)?;
        let parts = SHAPE.captures(text).ok_or(NO_MATCH)?;
        let part = |at: usize| parts.get(at).map_or("", |part| part.as_str());
        let mut data = base64(part(1)).ok_or("Error base64-decoding data")?;
        let nonce = base64(part(2)).ok_or("Error base64-decoding iv")?;
        let tag = base64(part(3)).ok_or("Error base64-decoding tag")?;
        if nonce.len() != NONCE {
            return Err("Could not decrypt with AES_GCM: its iv has not 32 bytes");
        }
        data.extend(tag);
        let bound = path.join(":") + ":";
        let payload = Payload { msg: &data, aad: bound.as_bytes() };
        let plain = self.0.decrypt(Nonce::from_slice(&nonce), payload).map_err(|_| {
            "Could not decrypt with AES_GCM: it was changed, or moved to another key since it was encrypted"
        })?;
        typed(part(4), plain)
    }
}

/// As Go reads base64: line ends and unused bits do not matter.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &ALPHABET,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    ENGINE.decode(text).ok()
}

fn typed(datatype: &str, plain: Vec<u8>) -> Result<Value, &'static str> {
    let text = || str::from_utf8(&plain).unwrap_or_default();
    match datatype {
        "str" => Ok(Value::Text(plain)),
        "int" => text().parse().map(Value::Int).map_err(|_| "it is no int"),
        "float" => text().parse().map(Value::Float).map_err(|_| "it is no float"),
        "bool" => match text() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => Err("it is no bool"),
        },
        "time" => match text().parse::<jiff::Timestamp>() {
            Ok(_) => Ok(Value::Time(text().to_owned())),
            Err(_) => Err("it is no time"),
        },
        "bytes" => Ok(Value::Bytes(plain)),
        "comment" => Ok(Value::Comment(Comment { text: plain, inline: false })),
        _ => Err("Unknown datatype: SOPS knows str, int, float, bool, time, bytes and comment"),
    }
}
