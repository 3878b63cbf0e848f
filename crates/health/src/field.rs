use capstan_model::Manifest;
use serde_json::Value;

/// One entry of `status.conditions`, as far as it can be read.
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// A number at a JSON pointer.
pub(crate) fn integer(object: &Manifest, pointer: &str) -> Option<i64> {
    object.value().pointer(pointer).and_then(Value::as_i64)
}

/// A number below `status`; 0 when it is absent, since controllers leave zeroes out.
pub(crate) fn count(object: &Manifest, field: &str) -> i64 {
    integer(object, &format!("/status/{field}")).unwrap_or(0)
}

/// A text at a JSON pointer; empty when it is absent.
pub(crate) fn text<'a>(object: &'a Manifest, pointer: &str) -> &'a str {
    object.value().pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// All conditions in their order.
pub(crate) fn conditions(object: &Manifest) -> Vec<Condition<'_>> {
    let list = object.value().pointer("/status/conditions").and_then(Value::as_array);
    list.into_iter().flatten().map(read).collect()
}

/// The first condition of a type.
pub(crate) fn condition<'a>(object: &'a Manifest, kind: &str) -> Option<Condition<'a>> {
    conditions(object).into_iter().find(|condition| condition.kind == kind)
}

fn read(condition: &Value) -> Condition<'_> {
    let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
    Condition {
        kind: text("type"),
        status: text("status"),
        reason: text("reason"),
        message: text("message"),
    }
}
