//! Values inside of texts: a field whose text is JSON or YAML, and a path that goes on in it.

use capstan_yaml::Schema;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::path::{Blank, Path};

/// Sets what a path means inside of a text; false when the path ends outside of every text.
pub(super) fn set(
    path: &Path,
    object: &mut Value,
    blank: Blank<'_>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> bool {
    let halves = path.halves().find(|(outer, _)| outer.get(object).is_some_and(is_scalar));
    let Some((outer, inner)) = halves else { return false };
    let Some(text) = outer.get(object).and_then(Value::as_str).map(str::to_owned) else {
        return false;
    };
    let Ok(mut documents) = capstan_yaml::read_documents(&text, "", Schema::Objects) else {
        return false;
    };
    if documents.is_empty() {
        return false;
    }
    let mut data = documents.remove(0).value;
    if !matches!(inner.visit(&mut data, blank, change), Ok(1..)) {
        return false;
    }
    let written = write(&data, &text);
    let put = &mut |found: &mut Value| {
        *found = written.as_str().into();
        Ok(())
    };
    outer.visit(object, None, put).is_ok()
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// In the form that it had: JSON in one line or many, else YAML.
fn write(data: &Value, before: &str) -> String {
    if !before.trim_start().starts_with(['{', '[']) {
        return capstan_yaml::emit(data).trim().to_owned();
    }
    let mut out = Vec::new();
    let done = if before.contains('\n') && before.contains("  ") {
        let formatter = PrettyFormatter::with_indent(b"  ");
        data.serialize(&mut Serializer::with_formatter(&mut out, formatter))
    } else {
        data.serialize(&mut Serializer::new(&mut out))
    };
    done.expect("a value is serialisable");
    let text = String::from_utf8(out).expect("JSON is UTF-8");
    // Go escapes what would end a script.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
