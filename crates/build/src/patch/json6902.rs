use capstan_yaml::Value;
use serde_json::Value as Json;

use super::operations;
use crate::bounds::Bounds;
use crate::error::BuildError;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Matcher;

/// Applies the operations to every object that the target selects.
pub(super) fn apply(
    operations: &[Json],
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
        let fault = |why| BuildError::new(format!("{}: {why}", resource.id()));
        let mut object = resource.value.to_json().map_err(fault)?;
        for (index, operation) in operations.iter().enumerate() {
            if operation.get("op").and_then(Json::as_str) == Some("copy") {
                // What is copied into itself doubles each time.
                bounds.add_bytes(capstan_yaml::size(&object))?;
            }
            operations::apply(&mut object, operation).map_err(|message| {
                let id = resource.id();
                let path = operation.get("path").and_then(Json::as_str).unwrap_or_default();
                let which = format!("operation {} at '{path}'", index + 1);
                BuildError::new(format!("{id}: {which}: {message}"))
                    .hint("an operation has `op`, `path` and, for some, `value` or `from`; what it names must exist")
            })?;
        }
        resource.value = Value::of_json(object);
        resource.rewrite_annotations();
        resource.one_value.clear();
        check(resource)?;
    }
    Ok(())
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
