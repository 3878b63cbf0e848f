use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_api::flux::{PostBuild, SubstituteReference};
use capstan_cluster::Cluster;
use capstan_model::{Advice, Manifest};
use capstan_report::Failure;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::failure;
use super::redact::Hidden;
use crate::kinds;
use crate::world::Place;

/// The variables of a unit.
#[derive(Clone, Default)]
pub(super) struct Variables {
    pub(super) values: BTreeMap<String, String>,
    /// Is there anything to substitute, by the unit's strategy?
    pub(super) apply: bool,
    /// What came from Secrets.
    pub(super) hidden: Hidden,
}

impl Variables {
    /// Tells two sets apart without keeping the values.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.values {
            for part in [name, value] {
                hash.update(part.len().to_le_bytes());
                hash.update(part);
            }
        }
        hex::encode(hash.finalize())
    }
}

/// The objects that variables come from.
pub(super) fn places(post_build: Option<&PostBuild>, namespace: &str) -> Vec<Place> {
    let references = post_build.map(|post_build| &post_build.substitute_from);
    let place = |reference: &SubstituteReference| {
        let gvk = if reference.kind == "Secret" { kinds::secret() } else { kinds::config_map() };
        Place::new(gvk, namespace, &reference.name)
    };
    references.into_iter().flatten().map(place).collect()
}

/// Reads the variables: references in order, a later one wins, inline ones win over all.
pub(super) async fn read(
    cluster: &Cluster,
    post_build: Option<&PostBuild>,
    namespace: &str,
) -> Result<Variables, Failure> {
    let Some(post_build) = post_build else { return Ok(Variables::default()) };
    let (mut values, mut hidden) = (BTreeMap::new(), Hidden::default());
    let places = places(Some(post_build), namespace);
    for (reference, place) in post_build.substitute_from.iter().zip(places) {
        let refuse = |why: String| {
            failure(
                "BuildFailed",
                format!(
                    "post build failed: substitute from '{}/{}' error: {why}",
                    reference.kind, reference.name
                ),
            )
        };
        let found = cluster
            .get(&place.gvk, namespace, &reference.name)
            .await
            .map_err(|error| refuse(Advice(&error).to_string()))?;
        match found {
            Some(object) => {
                let data = data(&object);
                if object.kind() == "Secret" {
                    data.values().for_each(|value| hidden.hide(&in_a_line(value)));
                }
                values.extend(data);
            }
            None if reference.optional => {}
            None => {
                return Err(refuse(format!(
                    "{} {namespace}/{} not found; create it, or mark it optional",
                    reference.kind, reference.name
                )));
            }
        }
    }
    values.extend(post_build.substitute.clone());
    for value in values.values_mut() {
        *value = in_a_line(value);
    }
    let always = post_build.substitute_strategy.as_deref() == Some("Always");
    Ok(Variables { apply: always || !values.is_empty(), values, hidden })
}

/// Flux takes line breaks out of values: a variable fills a place in a line.
fn in_a_line(value: &str) -> String {
    value.replace('\n', "")
}

fn data(object: &Manifest) -> BTreeMap<String, String> {
    let is_secret = object.kind() == "Secret";
    let data = object.value().get("data").and_then(Value::as_object);
    let entry = |(key, value): (&String, &Value)| {
        let text = value.as_str()?;
        let text = if is_secret {
            String::from_utf8(STANDARD.decode(text).ok()?).ok()?
        } else {
            text.to_owned()
        };
        Some((key.clone(), text))
    };
    data.into_iter().flatten().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::Variables;

    #[test]
    fn digests_tell_sets_apart() {
        let set = |pairs: &[(&str, &str)]| {
            let values = pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
            Variables { values, apply: true, ..Variables::default() }.digest()
        };
        assert_eq!(set(&[("a", "b")]), set(&[("a", "b")]));
        assert_ne!(set(&[("a", "bc")]), set(&[("ab", "c")]));
        assert_ne!(set(&[]), set(&[("a", "")]));
    }
}
