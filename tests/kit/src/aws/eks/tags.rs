//! Tags of clusters and node groups.

use serde_json::{Value, json};

use super::super::error::AwsError;
use super::super::form::Form;
use super::super::route::Call;
use super::{Eks, Tags};

impl Eks {
    pub(super) fn list_tags(&self, call: &Call) -> Result<Value, AwsError> {
        self.with_tags(call, |tags| json!({"tags": tags}))
    }

    pub(super) fn tag(&self, call: &Call) -> Result<Value, AwsError> {
        let added: Tags = call
            .json
            .get("tags")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        self.with_tags(call, |tags| tags.extend(added))?;
        Ok(json!({}))
    }

    pub(super) fn untag(&self, call: &Call) -> Result<Value, AwsError> {
        // The keys are repeated query members, of which the parameters keep only one.
        let query = Form::parse(&call.wire.query);
        let keys: Vec<_> =
            query.0.iter().filter(|(name, _)| name == "tagKeys").map(|(_, key)| key).collect();
        self.with_tags(call, |tags| tags.retain(|key, _| !keys.contains(&key)))?;
        Ok(json!({}))
    }

    fn with_tags<T>(&self, call: &Call, act: impl FnOnce(&mut Tags) -> T) -> Result<T, AwsError> {
        let arn = call.member("resourceArn");
        let mut clusters = self.clusters();
        let tags = clusters.values_mut().find_map(|cluster| {
            if cluster.arn == arn {
                return Some(&mut cluster.tags);
            }
            let group = cluster.nodegroups.values_mut().find(|group| group.arn == arn);
            group.map(|group| &mut group.tags)
        });
        tags.map(act).ok_or_else(|| {
            AwsError::new(404, "NotFoundException", format!("No resource found for ARN: {arn}"))
        })
    }
}
