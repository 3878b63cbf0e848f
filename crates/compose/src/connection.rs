//! Connection details: what a composite publishes in its Secret.

use std::collections::BTreeMap;

use capstan_model::Secret;
use serde_json::Value;

use crate::fieldpath;
use crate::go;
use crate::validate::{self, FieldError};
use crate::wire::ConnectionDetail;

/// Keys and values of a connection Secret.
pub type Details = BTreeMap<String, Secret<Vec<u8>>>;

/// Reads details from a child: its own connection Secret and its object.
///
/// Keys and fields that are not there yet are left out: they may come later.
pub fn extract(
    object: &Value,
    data: &Details,
    wanted: &[ConnectionDetail],
) -> Result<Details, FieldError> {
    let mut details = Details::new();
    for (index, detail) in wanted.iter().enumerate() {
        let at = |error: FieldError| error.within(&format!("connectionDetails[{index}]"));
        validate::connection_detail(detail).map_err(at)?;
        let name = detail.name.clone().unwrap_or_default();
        if let Some(value) = read(object, data, detail) {
            details.insert(name, value);
        }
    }
    Ok(details)
}

fn read(object: &Value, data: &Details, detail: &ConnectionDetail) -> Option<Secret<Vec<u8>>> {
    match detail.type_.as_deref()? {
        "FromValue" => Some(Secret::new(detail.value.clone()?.into_bytes())),
        "FromConnectionSecretKey" => data.get(detail.from_connection_secret_key.as_ref()?).cloned(),
        _ => {
            let value = fieldpath::get_str(object, detail.from_field_path.as_ref()?).ok()?;
            let text = match value {
                Value::String(text) => text.clone(),
                other => go::json::to_string(other),
            };
            Some(Secret::new(text.into_bytes()))
        }
    }
}

/// The native dialect's detail in the words of the function's: type and name are inferred.
pub(crate) fn inferred(mut detail: ConnectionDetail) -> ConnectionDetail {
    let type_ = match &detail {
        ConnectionDetail { type_: Some(type_), .. } => type_.clone(),
        // The key names the value's place, so a name is what tells a value from its key.
        ConnectionDetail { name: Some(_), value: Some(_), .. } => "FromValue".to_owned(),
        ConnectionDetail { from_connection_secret_key: Some(_), .. } => {
            "FromConnectionSecretKey".to_owned()
        }
        ConnectionDetail { from_field_path: Some(_), .. } => "FromFieldPath".to_owned(),
        _ => return detail,
    };
    let copies = type_ == "FromConnectionSecretKey";
    detail.type_ = Some(type_);
    if copies && detail.name.as_deref().unwrap_or_default().is_empty() {
        detail.name.clone_from(&detail.from_connection_secret_key);
    }
    detail
}

/// Keeps the keys that an XRD publishes; an empty list publishes all.
pub fn filter(details: Details, keys: &[String]) -> Details {
    if keys.is_empty() {
        return details;
    }
    details.into_iter().filter(|(key, _)| keys.contains(key)).collect()
}
