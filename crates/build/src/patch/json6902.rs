use serde_json::Value;

use super::operations;
use crate::bounds::Bounds;
use crate::error::BuildError;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Matcher;

/// Applies the operations to every object that the target selects.
pub(super) fn apply(
    operations: &[Value],
    matcher: &Matcher,
    resources: &mut Resources,
    bounds: &Bounds,
) -> Result<(), BuildError> {
    if let Some(other) = operations.iter().find(|it| !it.is_object() && !it.is_null()) {
        let message = format!("`{other}` is no operation of a JSON 6902 patch");
        return Err(BuildError::new(message).hint("an operation is a map with `op` and `path`"));
    }
    for resource in resources.iter_mut().filter(|r| matcher.matches(r)) {
        resource.show_annotations();
        for (index, operation) in operations.iter().enumerate() {
            if operation.get("op").and_then(Value::as_str) == Some("copy") {
                // What is copied into itself doubles each time.
                bounds.add_bytes(capstan_yaml::size(&resource.value))?;
            }
            operations::apply(&mut resource.value, operation).map_err(|message| {
                let id = resource.id();
                let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
                let which = format!("operation {} at '{path}'", index + 1);
                BuildError::new(format!("{id}: {which}: {message}"))
                    .hint("an operation has `op`, `path` and, for some, `value` or `from`; what it names must exist")
            })?;
        }
        round(&mut resource.value);
        resource.one_value.clear();
        resource.empty.clear();
        resource.read_anew();
        check(resource)?;
    }
    Ok(())
}

/// Makes every number what JSON's readers in Go take it for: of whole numbers beyond 53 bits, the nearest that a float holds.
fn round(value: &mut Value) {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            // The shortest digits of the float are written, and read as a whole number again.
            let digits = number.as_f64().map(|float| float.to_string()).unwrap_or_default();
            if let (true, Ok(rounded)) = (size.is_some_and(|size| size > EXACT), digits.parse()) {
                *number = rounded;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(map) => map.values_mut().for_each(round),
        _ => {}
    }
}

/// What is left must still be an object.
fn check(resource: &Resource) -> Result<(), BuildError> {
    let message = if !resource.value.get("metadata").is_some_and(Value::is_object) {
        "missing Resource metadata"
    } else if resource.text("/kind").is_empty() {
        "missing kind in object"
    } else {
        return Ok(());
    };
    Err(BuildError::new(format!("{message} after a JSON 6902 patch")))
}
