use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `True`, `False` or `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Not known yet.
    Unknown,
}

impl ConditionStatus {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// A condition in the form of metav1; Crossplane's leave `observedGeneration` out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// CamelCase name, unique in its list.
    #[serde(rename = "type")]
    pub type_: String,
    /// Does it hold?
    pub status: ConditionStatus,
    /// CamelCase word for programs.
    pub reason: String,
    /// Sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When `status` last changed, to the second.
    pub last_transition_time: Timestamp,
    /// Generation of the spec that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// The conditions of one object, each type once, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// The condition of a type.
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.type_ == type_)
    }

    /// Does the condition of a type hold?
    pub fn is_true(&self, type_: &str) -> bool {
        self.get(type_).is_some_and(|condition| condition.status == ConditionStatus::True)
    }

    /// Sets a condition; the transition time moves only with the status.
    pub fn set(
        &mut self,
        type_: &str,
        status: ConditionStatus,
        reason: &str,
        message: impl Into<String>,
        observed_generation: Option<i64>,
        now: Timestamp,
    ) {
        let before = self.0.iter_mut().find(|condition| condition.type_ == type_);
        let since = match &before {
            Some(before) if before.status == status => before.last_transition_time,
            _ => to_the_second(now),
        };
        let condition = Condition {
            type_: type_.to_owned(),
            status,
            reason: reason.to_owned(),
            message: message.into(),
            last_transition_time: since,
            observed_generation,
        };
        match before {
            Some(before) => *before = condition,
            None => self.0.push(condition),
        }
    }

    /// Removes a condition: `Reconciling` and `Stalled` are absent when they do not hold.
    pub fn remove(&mut self, type_: &str) {
        self.0.retain(|condition| condition.type_ != type_);
    }
}

/// The API server keeps whole seconds: anything finer would differ after a round trip.
fn to_the_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).expect("a second of a valid timestamp is valid")
}

#[cfg(test)]
mod tests {
    use super::{ConditionStatus, Conditions};
    use jiff::Timestamp;

    #[test]
    fn transition_time_moves_with_the_status_only() {
        let at = |second| Timestamp::from_second(second).expect("valid");
        let mut conditions = Conditions::default();
        conditions.set("Ready", ConditionStatus::Unknown, "Progressing", "a", Some(1), at(10));
        conditions.set("Ready", ConditionStatus::Unknown, "Progressing", "b", Some(1), at(20));
        assert_eq!(conditions.get("Ready").expect("set").last_transition_time, at(10));
        conditions.set("Ready", ConditionStatus::True, "Succeeded", "c", Some(1), at(30));
        assert_eq!(conditions.get("Ready").expect("set").last_transition_time, at(30));
        assert_eq!(conditions.0.len(), 1);
    }
}
