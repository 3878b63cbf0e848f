//! What the AWS kinds share: answers, drifts, dates.

#[cfg(test)]
pub(crate) mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::CloudError;
use capstan_cloud::aws_sdk_eks::primitives::{DateTime, DateTimeFormat};
use capstan_provision::Drift;
use capstan_provision::tags::{self, TagChange};
use jiff::Timestamp;

/// What is not there is no error.
///
/// # Errors
/// Any other error of the call.
pub(crate) fn found<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
}

/// The drift of a field.
pub(crate) fn drift<'d>(diff: &'d [Drift], field: &str) -> Option<&'d Drift> {
    diff.iter().find(|drift| drift.field == field && !drift.immutable)
}

/// Is there anything to correct in a field or below it?
pub(crate) fn touches(diff: &[Drift], field: &str) -> bool {
    diff.iter().filter(|drift| !drift.immutable).any(|drift| {
        drift.field.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// What to call for a drift of the field `tags`; nothing without one.
pub(crate) fn tag_change(
    wanted: &BTreeMap<String, String>,
    applied: &BTreeSet<String>,
    diff: &[Drift],
) -> Option<TagChange> {
    let live = serde_json::from_value(drift(diff, "tags")?.found.clone()).unwrap_or_default();
    Some(tags::change(wanted, &live, applied))
}

/// A date as Kubernetes writes it: RFC 3339, whole seconds.
pub(crate) fn rfc3339(date: &DateTime) -> Option<String> {
    DateTime::from_secs(date.secs()).fmt(DateTimeFormat::DateTime).ok()
}

/// A date to calculate with.
pub(crate) fn timestamp(date: &DateTime) -> Option<Timestamp> {
    Timestamp::new(date.secs(), i32::try_from(date.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{drift, rfc3339, tag_change, timestamp, touches};
    use capstan_cloud::aws_sdk_eks::primitives::DateTime;
    use capstan_provision::Drifts;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_field_is_touched_by_what_is_below_it() {
        let mut drifts = Drifts::new();
        drifts.push("resourcesVpcConfig.subnetIds", ["a"], ["b"], false);
        drifts.push("roleArn", "a", "b", true);
        let diff = drifts.into_vec();
        assert!(
            touches(&diff, "resourcesVpcConfig") && drift(&diff, "resourcesVpcConfig").is_none()
        );
        assert!(!touches(&diff, "resources"));
        assert!(!touches(&diff, "roleArn"), "what cannot be corrected is nothing to correct");
    }

    #[test]
    fn the_tags_that_were_seen_say_what_to_call() {
        let map = |key: &str| BTreeMap::from([(key.to_owned(), "x".to_owned())]);
        let mut drifts = Drifts::new();
        drifts.push("tags", map("new"), map("old"), false);
        let applied = BTreeSet::from(["old".to_owned()]);
        let change = tag_change(&map("new"), &applied, &drifts.into_vec()).expect("it is valid");
        assert_eq!(change.set, map("new"));
        assert_eq!(change.remove, applied);
        assert_eq!(tag_change(&map("new"), &applied, &[]), None);
    }

    #[test]
    fn dates_are_whole_seconds_in_status() {
        let date = DateTime::from_secs_and_nanos(1_700_000_000, 500_000_000);
        assert_eq!(rfc3339(&date).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(timestamp(&date).expect("it is valid").as_millisecond(), 1_700_000_000_500);
    }
}
