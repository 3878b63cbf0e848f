//! Form parameters of the query protocols, and percent-encoding as AWS signs it.

use serde_json::{Map, Value};

/// Decoded `key=value` pairs in the order sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

/// One `Filter.N` of an EC2 describe call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl Form {
    /// Reads an `application/x-www-form-urlencoded` text or a query string.
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The values of `prefix.1`, `prefix.2`, … in the order sent.
    pub(crate) fn list(&self, prefix: &str) -> Vec<&str> {
        let indexed = |name: &str| {
            name.strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| rest.parse::<u32>().is_ok())
        };
        self.0.iter().filter(|(name, _)| indexed(name)).map(|(_, v)| v.as_str()).collect()
    }

    pub(crate) fn any_under(&self, prefix: &str) -> bool {
        self.0.iter().any(|(name, _)| name.starts_with(prefix))
    }

    /// The filters of an EC2 describe call.
    pub(crate) fn filters(&self) -> Vec<Filter> {
        (1..)
            .map_while(|n| self.get(&format!("Filter.{n}.Name")).map(|name| (n, name)))
            .map(|(n, name)| Filter {
                name: name.to_owned(),
                values: self
                    .list(&format!("Filter.{n}.Value"))
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            })
            .collect()
    }

    /// The pairs, sorted by key, as one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        let sorted: std::collections::BTreeMap<_, _> = self.0.iter().cloned().collect();
        Value::Object(sorted.into_iter().map(|(k, v)| (k, Value::String(v))).collect::<Map<_, _>>())
    }

    /// The pairs as a form body.
    pub(crate) fn encode(&self) -> String {
        let pair = |(key, value): &(String, String)| format!("{}={}", quote(key), quote(value));
        self.0.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters, as Signature Version 4 asks.
pub(crate) fn quote(text: &str) -> String {
    quote_keeping(text, "")
}

/// [`quote`], keeping some further characters as they are.
pub(crate) fn quote_keeping(text: &str, keep: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if plain || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Undoes percent-encoding; what is not valid UTF-8 afterwards is replaced.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_lists_and_filters() {
        let form = Form::parse(
            "Action=DescribeVpcs&VpcId.1=vpc-1&VpcId.2=vpc-2&Filter.1.Name=tag%3AName\
             &Filter.1.Value.1=a+b&Filter.1.Value.2=c",
        );
        assert_eq!(form.get("Action"), Some("DescribeVpcs"));
        assert_eq!(form.list("VpcId"), ["vpc-1", "vpc-2"]);
        let filters = form.filters();
        assert_eq!(filters[0].name, "tag:Name");
        assert_eq!(filters[0].values, ["a b", "c"]);
    }

    #[test]
    fn quoting_and_decoding_are_inverse() {
        assert_eq!(quote("a b/ü~"), "a%20b%2F%C3%BC~");
        assert_eq!(decode(&quote("a b/ü~%")), "a b/ü~%");
        assert_eq!(decode("100%"), "100%");
    }
}
