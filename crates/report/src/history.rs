use jiff::Timestamp;
use serde_json::{Value, json};

/// A run that got as far as manifests, for `status.history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// `sha256:<hex>` of the manifests, as they were built and substituted.
    pub digest: String,
    /// How long the run took, in Go's form.
    pub took: String,
    /// What the revision was made from, where its source says so.
    pub origin: Option<String>,
}

/// As many outcomes are remembered.
const LONGEST: usize = 5;

/// The history after a run that ended with `status`, a Ready reason, newest first.
///
/// Runs of the same manifests with the same end are one entry, which counts them.
pub(crate) fn history(
    previous: &Value,
    built: &Built,
    (status, revision): (&str, Option<&str>),
    now: Timestamp,
) -> Value {
    let mut entries = previous.get("history").and_then(Value::as_array).cloned();
    let entries = entries.get_or_insert_default();
    let same =
        |entry: &Value| entry["digest"] == *built.digest && entry["lastReconciledStatus"] == status;
    let before = entries.iter().position(same).map(|at| entries.remove(at));
    let now = at_the_second(now);
    let (first, runs) = match &before {
        Some(entry) => (entry["firstReconciled"].clone(), entry["totalReconciliations"].as_i64()),
        None => (now.clone(), None),
    };
    let mut entry = json!({
        "digest": built.digest,
        "firstReconciled": first,
        "lastReconciled": now,
        "lastReconciledDuration": built.took,
        "lastReconciledStatus": status,
        "totalReconciliations": runs.unwrap_or_default() + 1,
    });
    if let Some(revision) = revision {
        entry["metadata"] = json!({ "revision": revision });
    }
    if let Some(origin) = &built.origin {
        entry["metadata"]["originRevision"] = origin.clone().into();
    }
    entries.insert(0, entry);
    entries.truncate(LONGEST);
    Value::Array(std::mem::take(entries))
}

fn at_the_second(now: Timestamp) -> Value {
    let second = Timestamp::from_second(now.as_second()).expect("a second of a valid time");
    second.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::{Built, LONGEST, history};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn after(before: &Value, digest: &str, status: &str, revision: &str, second: i64) -> Value {
        let built = Built { digest: digest.into(), took: format!("{second}s"), origin: None };
        let now = Timestamp::from_second(second).expect("valid");
        json!({"history": history(before, &built, (status, Some(revision)), now)})
    }

    #[test]
    fn an_origin_is_remembered_beside_the_revision() {
        let origin = Some("main@sha1:b".to_owned());
        let built = Built { digest: "sha256:a".into(), took: "1s".into(), origin };
        let end = ("ReconciliationSucceeded", Some("v1@sha256:c"));
        let entries = history(&json!({}), &built, end, Timestamp::UNIX_EPOCH);
        let expected = json!({"revision": "v1@sha256:c", "originRevision": "main@sha1:b"});
        assert_eq!(entries[0]["metadata"], expected);
    }

    #[test]
    fn the_first_run_is_written_whole() {
        let status = after(&json!({}), "sha256:a", "ReconciliationSucceeded", "main@sha1:1", 7);
        let entry = json!([{
            "digest": "sha256:a",
            "firstReconciled": "1970-01-01T00:00:07Z",
            "lastReconciled": "1970-01-01T00:00:07Z",
            "lastReconciledDuration": "7s",
            "lastReconciledStatus": "ReconciliationSucceeded",
            "metadata": {"revision": "main@sha1:1"},
            "totalReconciliations": 1,
        }]);
        assert_eq!(status["history"], entry);
    }

    #[test]
    fn the_same_end_of_the_same_manifests_is_counted_and_comes_first() {
        let status = after(&json!({}), "a", "Good", "r1", 1);
        let status = after(&status, "b", "Good", "r2", 2);
        let status = after(&status, "a", "Good", "r3", 3);
        let list = status["history"].as_array().expect("a list");
        assert_eq!(list.len(), 2);
        assert_eq!(list[0]["totalReconciliations"], 2);
        assert_eq!(list[0]["firstReconciled"], "1970-01-01T00:00:01Z");
        assert_eq!(list[0]["lastReconciled"], "1970-01-01T00:00:03Z");
        assert_eq!(list[0]["lastReconciledDuration"], "3s");
        assert_eq!(list[0]["metadata"]["revision"], "r3");
        assert_eq!(list[1]["digest"], "b");
    }

    #[test]
    fn another_end_is_another_entry() {
        let status = after(&json!({}), "a", "HealthCheckFailed", "r1", 1);
        let status = after(&status, "a", "Good", "r1", 2);
        let ends: Vec<_> = status["history"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| entry["lastReconciledStatus"].as_str().expect("text"))
            .collect();
        assert_eq!(ends, ["Good", "HealthCheckFailed"]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut status = json!({});
        for run in 0..8 {
            status = after(&status, &run.to_string(), "Good", "r", run);
        }
        let list = status["history"].as_array().expect("a list");
        assert_eq!(list.len(), LONGEST);
        assert_eq!((&list[0]["digest"], &list[4]["digest"]), (&json!("7"), &json!("3")));
    }
}
