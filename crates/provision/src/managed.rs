use std::collections::{BTreeMap, BTreeSet};

use capstan_api::fleet::{IN_USE_PREFIX, SPOKE_IDENTITY};
use capstan_model::{Conditions, Manifest};
use jiff::Timestamp;
use serde_json::Value;

use crate::kind::Drift;
use crate::names;

/// A managed resource, read field by field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Managed<'a>(pub(crate) &'a Manifest);

/// How far the last intended create went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// None was intended.
    None,
    /// It was about to be called, and no answer is recorded.
    Pending(Timestamp),
    /// It succeeded.
    Succeeded(Timestamp),
    /// It was refused: nothing was created.
    Failed,
}

/// What may be done to the external resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) create: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
}

impl Policy {
    /// May it only be looked at?
    pub(crate) const fn only_observes(self) -> bool {
        !self.create && !self.update && !self.delete
    }
}

impl<'a> Managed<'a> {
    fn at(self, pointer: &str) -> Option<&'a Value> {
        self.0.value().pointer(pointer)
    }

    pub(crate) fn for_provider(self) -> Value {
        self.at("/spec/forProvider").cloned().unwrap_or_else(|| Value::Object(Default::default()))
    }

    pub(crate) fn config_name(self) -> &'a str {
        self.at("/spec/providerConfigRef/name").and_then(Value::as_str).unwrap_or("default")
    }

    pub(crate) fn external_name(self) -> Option<&'a str> {
        self.0.annotation(names::EXTERNAL_NAME).filter(|name| !name.is_empty())
    }

    pub(crate) fn has_finalizer(self, finalizer: &str) -> bool {
        self.finalizers().contains(&finalizer)
    }

    pub(crate) fn finalizers(self) -> Vec<&'a str> {
        let list = self.at("/metadata/finalizers").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Who keeps it in use, for people: `Spoke/a` for the finalizer `in-use.fleet.capstan.dev/spoke-a`.
    pub(crate) fn holder(self) -> Option<String> {
        let holder = self.finalizers().into_iter().find_map(|f| f.strip_prefix(IN_USE_PREFIX))?;
        let spoke = holder.strip_prefix(SPOKE_IDENTITY).filter(|name| !name.is_empty());
        Some(spoke.map_or_else(|| holder.to_owned(), |name| format!("Spoke/{name}")))
    }

    pub(crate) fn labels(self) -> BTreeMap<String, String> {
        let map = self.at("/metadata/labels").and_then(Value::as_object);
        let pairs = map.into_iter().flatten();
        pairs.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    }

    /// The owner that controls it: apiVersion, kind, name, uid.
    pub(crate) fn controller(self) -> Option<Controller<'a>> {
        let owners = self.at("/metadata/ownerReferences")?.as_array()?;
        let owner = owners.iter().find(|owner| owner["controller"] == Value::Bool(true))?;
        Some(Controller {
            api_version: owner["apiVersion"].as_str()?,
            kind: owner["kind"].as_str()?,
            name: owner["name"].as_str()?,
            uid: owner["uid"].as_str()?,
        })
    }

    pub(crate) fn same_controller(self, other: Managed<'_>) -> bool {
        match (self.controller(), other.controller()) {
            (Some(one), Some(two)) => one.uid == two.uid,
            _ => false,
        }
    }

    pub(crate) fn conditions(self) -> Conditions {
        let list = self.at("/status/conditions").cloned().unwrap_or_default();
        serde_json::from_value(list).unwrap_or_default()
    }

    pub(crate) fn is_ready(self) -> bool {
        let list = self.at("/status/conditions").and_then(Value::as_array);
        list.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
    }

    /// Was the external resource ever seen?
    pub(crate) fn was_seen(self) -> bool {
        self.at("/status/atProvider").and_then(Value::as_object).is_some_and(|map| !map.is_empty())
    }

    fn time(self, annotation: &str) -> Option<Timestamp> {
        self.0.annotation(annotation)?.parse().ok()
    }

    pub(crate) fn intent(self) -> Intent {
        let (pending, succeeded, failed) = (
            self.time(names::CREATE_PENDING),
            self.time(names::CREATE_SUCCEEDED),
            self.time(names::CREATE_FAILED),
        );
        match pending.max(succeeded).max(failed) {
            None => Intent::None,
            Some(last) if succeeded == Some(last) => Intent::Succeeded(last),
            Some(last) if failed == Some(last) => Intent::Failed,
            Some(last) => Intent::Pending(last),
        }
    }

    /// The time of a new intent: later than any mark, so that the newest mark always decides.
    pub(crate) fn next_intent(self, now: Timestamp) -> Timestamp {
        let marks = [names::CREATE_PENDING, names::CREATE_SUCCEEDED, names::CREATE_FAILED];
        let latest = marks.into_iter().filter_map(|mark| self.time(mark)).max();
        let after = latest.map_or(0, |latest| latest.as_second() + 1);
        Timestamp::from_second(now.as_second().max(after)).unwrap_or(now)
    }

    pub(crate) fn pending_text(self) -> &'a str {
        self.0.annotation(names::CREATE_PENDING).unwrap_or_default()
    }

    pub(crate) fn is_true(self, annotation: &str) -> bool {
        self.0.annotation(annotation) == Some("true")
    }

    pub(crate) fn deleted_at(self) -> Option<Timestamp> {
        self.at("/metadata/deletionTimestamp")?.as_str()?.parse().ok()
    }

    pub(crate) fn resolved(self) -> BTreeMap<String, Value> {
        let text = self.0.annotation(names::RESOLVED).unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }

    /// An edit of the region after a create was called in another one. `default` is the region of a spec without one.
    pub(crate) fn moved(self, default: &str) -> Option<Drift> {
        let made = matches!(self.intent(), Intent::Pending(_) | Intent::Succeeded(_));
        let found = self.resolved().remove("region").filter(|_| made)?;
        let spec = self.at("/spec/forProvider/region").and_then(Value::as_str);
        let wanted = Value::from(spec.filter(|region| !region.is_empty()).unwrap_or(default));
        let field = "region".to_owned();
        (found != wanted).then_some(Drift { field, wanted, found, immutable: true })
    }

    pub(crate) fn applied_tags(self) -> BTreeSet<String> {
        let text = self.0.annotation(names::APPLIED_TAGS).unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Namespace and name of the connection Secret that the user asks for.
    pub(crate) fn connection_secret(self) -> Option<(&'a str, &'a str)> {
        let part = |field: &str| {
            self.at(&format!("/spec/writeConnectionSecretToRef/{field}"))?
                .as_str()
                .filter(|text| !text.is_empty())
        };
        Some((part("namespace")?, part("name")?))
    }

    /// Nothing at all may be done: by annotation, or by an empty list of policies.
    pub(crate) fn is_paused(self) -> bool {
        let none = self
            .at("/spec/managementPolicies")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty);
        self.is_true(names::PAUSED) || none
    }

    /// What may be done; an error says what is wrong with the combination.
    pub(crate) fn policy(self) -> Result<Policy, String> {
        let orphan = self.at("/spec/deletionPolicy").and_then(Value::as_str) == Some("Orphan");
        let all = Policy { create: true, update: true, delete: !orphan };
        if let Some(word) = self.at("/spec/managementPolicy").and_then(Value::as_str) {
            return Ok(match word {
                "Observe" => Policy { create: false, update: false, delete: false },
                "ObserveDelete" => Policy { create: false, update: false, delete: true },
                "ObserveCreateUpdate" => Policy { create: true, update: true, delete: false },
                _ => all,
            });
        }
        let list = self.at("/spec/managementPolicies").and_then(Value::as_array);
        let words: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
        if words.is_empty() || words == ["*"] {
            return Ok(all);
        }
        let has = |word| words.contains(&"*") || words.contains(&word);
        if !has("Observe") {
            return Err(
                "spec.managementPolicies must contain Observe, or `*`, or be empty to pause"
                    .to_owned(),
            );
        }
        Ok(Policy { create: has("Create"), update: has("Update"), delete: has("Delete") })
    }
}

/// The owner that controls an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Controller<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
}

#[cfg(test)]
mod tests {
    use super::{Intent, Managed, Policy};
    use crate::testing::object;
    use serde_json::json;

    #[test]
    fn the_newest_mark_decides() {
        let marks = |pending: &str, succeeded: &str, failed: &str| {
            let object = object(json!({"metadata": {"annotations": {
                "crossplane.io/external-create-pending": pending,
                "crossplane.io/external-create-succeeded": succeeded,
                "crossplane.io/external-create-failed": failed,
            }}}));
            Managed(&object).intent()
        };
        let at = |text: &str| text.parse().expect("time");
        let (one, two) = ("2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z");
        assert_eq!(marks("", "", ""), Intent::None);
        assert_eq!(marks(one, "", ""), Intent::Pending(at(one)));
        assert_eq!(marks(two, one, one), Intent::Pending(at(two)));
        assert_eq!(marks(one, one, ""), Intent::Succeeded(at(one)));
        assert_eq!(marks(one, "", two), Intent::Failed);
    }

    #[test]
    fn a_new_intent_is_later_than_every_mark() {
        let object = object(json!({"metadata": {"annotations":
            {"crossplane.io/external-create-failed": "2026-01-01T00:00:05Z"}}}));
        let next = |now: &str| Managed(&object).next_intent(now.parse().expect("time")).to_string();
        assert_eq!(next("2026-01-01T00:00:05.7Z"), "2026-01-01T00:00:06Z");
        assert_eq!(next("2026-01-01T00:01:00Z"), "2026-01-01T00:01:00Z");
    }

    #[test]
    fn what_was_made_stays_in_its_region() {
        let moved = |mark: &str, region: &str| {
            let object = object(json!({"spec": {"forProvider": {"region": region}},
                "metadata": {"annotations": {mark: "2026-01-01T00:00:05Z",
                    "fleet.capstan.dev/resolved": "{\"region\":\"eu-west-1\"}"}}}));
            Managed(&object).moved("us-east-1")
        };
        let made = "crossplane.io/external-create-succeeded";
        let drift = moved(made, "eu-west-2").expect("edited");
        assert_eq!((drift.found, drift.wanted), (json!("eu-west-1"), json!("eu-west-2")));
        assert!(drift.immutable);
        assert_eq!(moved(made, "").expect("removed").wanted, json!("us-east-1"));
        assert_eq!(moved(made, "eu-west-1"), None);
        assert_eq!(moved("crossplane.io/external-create-failed", "eu-west-2"), None);
    }

    #[test]
    fn policies_are_crossplanes() {
        let policy = |spec| Managed(&object(json!({"spec": spec}))).policy();
        let given = |create, update, delete| Ok(Policy { create, update, delete });
        assert_eq!(policy(json!({})), given(true, true, true));
        assert_eq!(policy(json!({"deletionPolicy": "Orphan"})), given(true, true, false));
        assert_eq!(policy(json!({"managementPolicies": ["Observe"]})), given(false, false, false));
        assert_eq!(
            policy(
                json!({"managementPolicies": ["Observe", "Create", "Delete"], "deletionPolicy": "Orphan"})
            ),
            given(true, false, true)
        );
        assert_eq!(policy(json!({"managementPolicy": "ObserveDelete"})), given(false, false, true));
        assert!(policy(json!({"managementPolicies": ["Create"]})).is_err());
    }
}
