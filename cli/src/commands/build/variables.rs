//! The variables of a Kustomization, as far as they are here.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_api::flux::{PostBuild, SubstituteReference};
use serde_json::Value;

use super::live::Live;
use crate::failure::Failure;

/// Reads the variables: references in order, a later one wins, inline ones win over all. Without a cluster only those.
pub(super) async fn read(
    live: Option<&Live<'_>>,
    post_build: &PostBuild,
    namespace: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    if let Some(live) = live {
        for reference in &post_build.substitute_from {
            values.extend(referred(live, reference, namespace).await?);
        }
    }
    values.extend(post_build.substitute.clone());
    Ok(values)
}

async fn referred(
    live: &Live<'_>,
    reference: &SubstituteReference,
    namespace: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let SubstituteReference { kind, name, optional } = reference;
    let fault = |why: &str| {
        Failure::new(format!("substitute from '{kind}/{name}' error: {why}")).hint(
            "without a cluster, leave such variables out with --dry-run and --kustomization-file",
        )
    };
    let found =
        live.variables(kind, namespace, name).await.map_err(|failure| fault(&failure.message))?;
    match found {
        None if *optional => Ok(BTreeMap::new()),
        None => Err(fault(&format!("{namespace}/{name} not found"))),
        Some(object) => data(&object, kind == "Secret")
            .ok_or_else(|| fault("a value is not base64 of UTF-8 text")),
    }
}

fn data(object: &Value, is_secret: bool) -> Option<BTreeMap<String, String>> {
    let entries = object.get("data").and_then(Value::as_object).into_iter().flatten();
    let entry = |(key, value): (&String, &Value)| {
        let text = value.as_str()?;
        let text = match is_secret {
            true => String::from_utf8(STANDARD.decode(text).ok()?).ok()?,
            false => text.to_owned(),
        };
        Some((key.clone(), text))
    };
    entries.map(entry).collect()
}
