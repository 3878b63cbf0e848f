//! Values that SOPS has encrypted are not shown: `flux build` has a mask for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_model::Manifest;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

const MASK: &str = "**SOPS**";

/// Masks what is encrypted in a Secret; other objects are shown as they are.
pub(super) fn mask(manifest: Manifest) -> Result<Manifest, Failure> {
    if manifest.kind() != "Secret" {
        return Ok(manifest);
    }
    let name = manifest.name().to_owned();
    let fault =
        |why: String| Failure::new(format!("failed to mask secret {name} sops data: {why}"));
    let mut secret = manifest.value().clone();
    let Some(fields) = secret.as_object_mut() else { return Ok(manifest) };
    if is_encrypted(fields) {
        hide(fields);
    } else {
        hide_embedded(fields).map_err(fault)?;
    }
    if fields.get("data").and_then(Value::as_object).is_some_and(Map::is_empty) {
        fields.remove("data");
    }
    Manifest::try_from(secret).map_err(|error| fault(error.to_string()))
}

/// Was the whole Secret encrypted?
fn is_encrypted(fields: &Map<String, Value>) -> bool {
    let mac = fields.get("sops").and_then(|sops| sops.get("mac")).and_then(Value::as_str);
    mac.is_some_and(|mac| mac.starts_with("ENC["))
}

fn hide(fields: &mut Map<String, Value>) {
    fields.remove("sops");
    let of_docker =
        fields.get("type").and_then(Value::as_str) == Some("kubernetes.io/dockerconfigjson");
    let mask = if of_docker { json!({"mask": MASK}).to_string() } else { MASK.to_owned() };
    for (field, mask) in [("data", STANDARD.encode(&mask)), ("stringData", mask)] {
        for value in texts(fields, field) {
            mask.clone_into(value);
        }
    }
}

/// Masks values that are encrypted files themselves.
fn hide_embedded(fields: &mut Map<String, Value>) -> Result<(), String> {
    let mask = STANDARD.encode(MASK);
    for value in texts(fields, "data") {
        let content = STANDARD.decode(value.as_str()).map_err(|error| error.to_string())?;
        if is_sops_file(&String::from_utf8_lossy(&content)) {
            mask.clone_into(value);
        }
    }
    for value in texts(fields, "stringData").filter(|value| is_sops_file(value)) {
        mask.clone_into(value);
    }
    Ok(())
}

fn is_sops_file(text: &str) -> bool {
    text.contains("sops") && text.contains("ENC[")
}

fn texts<'a>(
    fields: &'a mut Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = &'a mut String> + use<'a> {
    let values = fields.get_mut(field).and_then(Value::as_object_mut);
    values.into_iter().flatten().filter_map(|(_, value)| match value {
        Value::String(text) => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{STANDARD, mask};
    use base64::Engine as _;
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    fn masked(mut fields: Value) -> Value {
        fields["apiVersion"] = "v1".into();
        fields["kind"] = "Secret".into();
        fields["metadata"] = json!({"name": "s"});
        let shown = mask(Manifest::try_from(fields).expect("an object")).expect("masked");
        shown.value().clone()
    }

    #[test]
    fn an_encrypted_secret_shows_no_value() {
        let sops = json!({"mac": "ENC[AES256_GCM,data:x]"});
        let shown =
            masked(json!({"sops": sops, "data": {"k": "ENC[..]"}, "stringData": {"s": "ENC[..]"}}));
        assert_eq!(shown["data"]["k"], STANDARD.encode("**SOPS**"));
        assert_eq!(shown["stringData"]["s"], "**SOPS**");
        assert_eq!(shown.get("sops"), None);
        let docker = json!({"sops": sops, "type": "kubernetes.io/dockerconfigjson", "stringData": {"s": "ENC[..]"}});
        assert_eq!(masked(docker)["stringData"]["s"], "{\"mask\":\"**SOPS**\"}");
    }

    #[test]
    fn an_encrypted_file_in_a_secret_is_not_shown() {
        let file = STANDARD.encode("a: ENC[..]\nsops: {}\n");
        let shown = masked(json!({"data": {"f": file, "g": "Zw=="}}));
        assert_eq!(shown["data"], json!({"f": STANDARD.encode("**SOPS**"), "g": "Zw=="}));
    }

    #[test]
    fn data_that_is_not_base64_is_an_error() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "?"}});
        let failure = mask(Manifest::try_from(secret).expect("an object")).expect_err("refused");
        assert!(
            failure.message.starts_with("failed to mask secret s sops data"),
            "{}",
            failure.message
        );
    }
}
