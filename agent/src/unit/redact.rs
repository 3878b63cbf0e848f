use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_model::{Manifest, Secret};
use capstan_report::Failure;
use serde_json::Value;

/// Shorter values say nothing, and hiding them would make messages unreadable.
const SHORTEST: usize = 4;

/// Values that must not get into messages: API servers and parsers quote what they refuse.
#[derive(Clone, Default)]
pub(super) struct Hidden(Vec<Secret<String>>);

impl Hidden {
    /// Hides a value, also as it looks in quotes.
    pub(super) fn hide(&mut self, value: &str) {
        let quoted = Value::from(value).to_string();
        for form in [value.trim(), &quoted[1..quoted.len() - 1]] {
            if form.len() >= SHORTEST {
                self.0.push(Secret::new(form.to_owned()));
            }
        }
    }

    /// Hides what Secrets hold, as it is written and decoded.
    pub(super) fn hide_secrets(&mut self, objects: &[Manifest]) {
        let secrets = objects.iter().filter(|o| o.kind() == "Secret" && o.api_version() == "v1");
        for secret in secrets {
            for field in ["data", "stringData"] {
                self.hide_leaves(secret.value().get(field).unwrap_or(&Value::Null));
            }
        }
    }

    fn hide_leaves(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.hide(text);
                let decoded = STANDARD.decode(text.trim()).ok();
                if let Some(decoded) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
                    self.hide(&decoded);
                }
            }
            Value::Number(number) => self.hide(&number.to_string()),
            Value::Array(list) => list.iter().for_each(|value| self.hide_leaves(value)),
            Value::Object(map) => map.values().for_each(|value| self.hide_leaves(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The failure with stars in the place of every hidden value.
    pub(super) fn redact(&self, failure: Failure) -> Failure {
        let mut values: Vec<&str> = self.0.iter().map(|value| &**value.expose()).collect();
        // A value may be part of a longer one, which would be left in pieces.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let hide = |text: String, value: &&str| text.replace(value, "***");
        Failure { message: values.iter().fold(failure.message, hide), ..failure }
    }
}

#[cfg(test)]
mod tests {
    use super::Hidden;
    use crate::unit::failure;
    use capstan_model::Manifest;
    use serde_json::json;

    fn redacted(hidden: &Hidden, message: &str) -> String {
        hidden.redact(failure("Failed", message)).message
    }

    #[test]
    fn values_become_stars_in_every_form() {
        let mut hidden = Hidden::default();
        for value in ["hunter", "hunter-two", "a\"b\"c", "x"] {
            hidden.hide(value);
        }
        let message = r#"x: hunter, hunter-two and "a\"b\"c""#;
        assert_eq!(redacted(&hidden, message), r#"x: ***, *** and "***""#);
    }

    #[test]
    fn secrets_hide_what_they_hold_in_any_shape() {
        let secret = |data| {
            let value = json!({"apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "s", "namespace": "n"}, "data": data});
            Manifest::try_from(value).expect("valid")
        };
        let mut hidden = Hidden::default();
        hidden.hide_secrets(&[secret(json!("bare-value")), secret(json!({"k": ["c2VjcmV0"]}))]);
        assert_eq!(redacted(&hidden, "bare-value c2VjcmV0 secret"), "*** *** ***");
    }
}
