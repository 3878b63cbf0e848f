use serde_json::Value;

use crate::text;

/// Is it a Job, of whatever version?
pub fn is_job(object: &Value) -> bool {
    text(object, "kind") == "Job" && text(object, "apiVersion").starts_with("batch/")
}

/// The Jobs that the cluster deletes some time after they have finished: that one is gone does not mean that it failed.
pub fn jobs_with_ttl<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Vec<&'a Value> {
    let has_ttl =
        |object: &Value| object.pointer("/spec/ttlSecondsAfterFinished").is_some_and(Value::is_i64);
    objects.into_iter().filter(|object| is_job(object) && has_ttl(object)).collect()
}

#[cfg(test)]
mod tests {
    use super::jobs_with_ttl;
    use serde_json::{Value, json};

    #[test]
    fn a_ttl_of_any_length_counts() {
        let object = |api_version: &str, kind: &str, ttl: Value| json!({"apiVersion": api_version, "kind": kind, "spec": {"ttlSecondsAfterFinished": ttl}});
        let objects = [
            object("batch/v1", "Job", json!(0)),
            object("batch/v1beta1", "Job", json!(60)),
            object("batch/v1", "Job", json!(null)),
            object("batch/v1", "Job", json!("60")),
            object("batch/v1", "Job", json!(1.5)),
            object("batch/v1", "CronJob", json!(1)),
            object("example.org/v1", "Job", json!(1)),
            json!({"apiVersion": "batch/v1", "kind": "Job"}),
        ];
        let found = jobs_with_ttl(&objects);
        assert_eq!(found, objects.iter().take(2).collect::<Vec<_>>());
    }
}
