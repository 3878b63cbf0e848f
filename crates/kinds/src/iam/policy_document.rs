//! Policy documents compared by what they mean: AWS stores and returns them in a form of its own.

use std::collections::BTreeMap;

use capstan_cloud::CloudError;
use serde_json::{Map, Value};

/// Do two documents mean the same? `found` may be URL-encoded, as IAM returns it.
pub(super) fn same(wanted: &str, found: &str) -> bool {
    match (parse(wanted), parse(&url_decoded(found))) {
        (Some(wanted), Some(found)) => wanted == found,
        _ => wanted.trim() == found.trim(),
    }
}

/// Refuses a document that is no JSON object before any call is made with it.
pub(super) fn check(field: &str, document: &str) -> Result<(), CloudError> {
    let refuse = |why: String| {
        let message = format!("spec.forProvider.{field} is not a policy document: {why}");
        Err(CloudError::invalid("iam", "read policy document", message))
    };
    match serde_json::from_str::<Value>(document) {
        Ok(Value::Object(_)) => Ok(()),
        Ok(_) => refuse("it is JSON, but no object".to_owned()),
        Err(cause) => refuse(cause.to_string()),
    }
}

/// A document as it is sent: without the blanks that the manifest's layout brings.
pub(super) fn compact(document: &str) -> String {
    serde_json::from_str::<Value>(document)
        .map_or_else(|_| document.to_owned(), |value| value.to_string())
}

/// A statement in a form in which equal meanings are equal texts.
type Statement = BTreeMap<String, Value>;

#[derive(Debug, PartialEq)]
struct Document {
    version: String,
    id: Option<String>,
    statements: Vec<Statement>,
}

fn parse(text: &str) -> Option<Document> {
    let value: Value = serde_json::from_str(text).ok()?;
    let map = value.as_object()?;
    let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut statements = list(map.get("Statement")?)
        .into_iter()
        .map(|statement| Some(normal_statement(statement.as_object()?)))
        .collect::<Option<Vec<_>>>()?;
    // Statements are a set: an explicit deny wins wherever it stands.
    statements.sort_by_cached_key(|statement| serde_json::to_string(statement).unwrap_or_default());
    // What a document without a version means.
    let version = text("Version").unwrap_or_else(|| "2008-10-17".to_owned());
    Some(Document { version, id: text("Id"), statements })
}

fn normal_statement(statement: &Map<String, Value>) -> Statement {
    statement
        .iter()
        .filter(|(key, value)| !(key.as_str() == "Sid" && value.as_str() == Some("")))
        .map(|(key, value)| {
            let normal = match key.as_str() {
                "Action" | "NotAction" => set(value, str::to_ascii_lowercase),
                "Resource" | "NotResource" => set(value, str::to_owned),
                "Principal" | "NotPrincipal" => principals(value),
                "Condition" => conditions(value),
                _ => value.clone(),
            };
            (key.clone(), normal)
        })
        .collect()
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        single => vec![single.clone()],
    }
}

/// A scalar or a list as a sorted list of strings without repetition.
fn set(value: &Value, normal: impl Fn(&str) -> String) -> Value {
    let text = |value: &Value| match value {
        Value::String(text) => normal(text),
        other => normal(&other.to_string()),
    };
    let mut texts: Vec<String> = list(value).iter().map(text).collect();
    texts.sort();
    texts.dedup();
    texts.into()
}

fn principals(value: &Value) -> Value {
    let map = match value {
        Value::Object(map) => map.clone(),
        single => Map::from_iter([("AWS".to_owned(), single.clone())]),
    };
    map.into_iter()
        .map(|(kind, value)| (kind, set(&value, account_root)))
        .collect::<Map<_, _>>()
        .into()
}

/// An account's number means its root.
fn account_root(principal: &str) -> String {
    if principal.len() == 12 && principal.bytes().all(|b| b.is_ascii_digit()) {
        format!("arn:aws:iam::{principal}:root")
    } else {
        principal.to_owned()
    }
}

/// Keys of conditions know no case, and their values are strings, however they are written.
fn conditions(value: &Value) -> Value {
    let Some(map) = value.as_object() else { return value.clone() };
    let keys = |value: &Value| match value.as_object() {
        Some(map) => map
            .iter()
            .map(|(key, value)| (key.to_ascii_lowercase(), set(value, str::to_owned)))
            .collect::<Map<_, _>>()
            .into(),
        None => value.clone(),
    };
    map.iter()
        .map(|(operator, value)| (operator.clone(), keys(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// Percent-decoding; text that is not encoded comes back as it is.
pub(super) fn url_decoded(text: &str) -> String {
    if text.trim_start().starts_with('{') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{check, compact, same, url_decoded};

    fn document(statement: &str) -> String {
        format!("{{\"Version\":\"2012-10-17\",\"Statement\":{statement}}}")
    }

    fn assert_same(one: &str, two: &str) {
        assert!(same(&document(one), &document(two)), "{one} and {two} mean the same");
    }

    #[test]
    fn equal_meanings_are_equal() {
        assert_same(
            r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#,
            r#"[{"Resource":["*"],"Action":["S3:getobject"],"Effect":"Allow","Sid":""}]"#,
        );
        assert_same(r#"{"Principal":"*"}"#, r#"{"Principal":{"AWS":"*"}}"#);
        assert_same(
            r#"{"Principal":{"AWS":"111122223333"}}"#,
            r#"{"Principal":{"AWS":["arn:aws:iam::111122223333:root"]}}"#,
        );
        assert_same(
            r#"{"Condition":{"Bool":{"aws:SecureTransport":true}}}"#,
            r#"{"Condition":{"Bool":{"aws:securetransport":["true"]}}}"#,
        );
        assert_same(r#"[{"Sid":"a"},{"Sid":"b"}]"#, r#"[{"Sid":"b"},{"Sid":"a"}]"#);
        assert_same(r#"{"Action":["a:B","a:C","a:B"]}"#, r#"{"Action":["a:C","a:B"]}"#);
    }

    #[test]
    fn different_meanings_differ() {
        for (one, two) in [
            (r#"{"Effect":"Allow"}"#, r#"{"Effect":"Deny"}"#),
            (r#"{"Resource":"arn:a"}"#, r#"{"Resource":"arn:A"}"#),
            (r#"{"Sid":"a"}"#, r#"{"Sid":"b"}"#),
            (
                r#"{"Condition":{"StringLike":{"k":"a"}}}"#,
                r#"{"Condition":{"StringEquals":{"k":"a"}}}"#,
            ),
        ] {
            assert!(!same(&document(one), &document(two)), "{one} and {two} differ");
        }
        assert!(!same(r#"{"Statement":{}}"#, &document("{}")), "no version is the old one");
    }

    #[test]
    fn iam_returns_documents_url_encoded() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%7D%5D%7D";
        assert!(same(&document(r#"{"Effect": "Allow"}"#), encoded));
        assert_eq!(url_decoded("a%20b+c%"), "a b c%");
    }

    #[test]
    fn what_is_no_document_is_refused_with_its_place() {
        assert!(check("document", "{}").is_ok());
        let error = check("document", "{\n  \"a\": }").expect_err("no JSON").to_string();
        assert!(error.contains("spec.forProvider.document") && error.contains("line 2"), "{error}");
        assert_eq!(compact("{ \"a\" :\n 1 }"), "{\"a\":1}");
    }
}
