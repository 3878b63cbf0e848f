//! What a Spoke says about itself, as a function of what was seen.

use std::time::Duration;

use capstan_model::{ConditionStatus, Conditions, Manifest};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::object::conditions;

/// An agent renews its Lease every ten seconds; after four missed renewals it counts as away.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(40);

/// How far the installation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Installation {
    /// Everything is in place.
    Done {
        /// Version of the agent.
        version: String,
        /// Digest of what was installed.
        digest: String,
    },
    /// It cannot go on: reason and message.
    Blocked {
        /// CamelCase word.
        reason: &'static str,
        /// What is missing, and what to do.
        message: String,
    },
    /// The Spoke is going: reason and message.
    Draining {
        /// CamelCase word.
        reason: &'static str,
        /// What is left.
        message: String,
    },
}

/// What the heartbeat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heartbeat {
    /// The agent has not been heard yet.
    Never,
    /// It was heard then.
    Last(Timestamp),
}

impl Heartbeat {
    /// Reads a Lease.
    pub(crate) fn of(lease: Option<&Manifest>) -> Self {
        let renewed = lease
            .and_then(|lease| lease.value().pointer("/spec/renewTime"))
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        renewed.map_or(Self::Never, Self::Last)
    }

    /// When the agent will count as away, if it is not heard again. Nothing when it is away already.
    pub(crate) fn stale_in(self, now: Timestamp) -> Option<Duration> {
        let Self::Last(at) = self else { return None };
        let left = (at + STALE_AFTER).duration_since(now);
        (left > SignedDuration::ZERO).then(|| left.unsigned_abs())
    }
}

/// Everything that a status is made of.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The installation.
    pub(crate) installation: Installation,
    /// The heartbeat.
    pub(crate) heartbeat: Heartbeat,
    /// Name of the cluster's managed resource, once it is known.
    pub(crate) cluster: Option<String>,
}

/// The patch that turns the status of `spoke` into what was seen; nothing when it says so already.
pub(crate) fn patch(spoke: &Manifest, seen: &Seen, now: Timestamp) -> Option<Value> {
    let generation = spoke.generation();
    let mut all = conditions(spoke);
    let (connected, connected_reason, connected_message) = connected(seen.heartbeat, now);
    let mut set = |type_: &str, status: ConditionStatus, reason: &str, message: &str| {
        all.set(type_, status, reason, message, generation, now);
    };
    set("AgentConnected", connected.into(), connected_reason, &connected_message);
    match &seen.installation {
        Installation::Done { version, .. } => {
            let message = format!("agent {version} is installed");
            set("AgentInstalled", ConditionStatus::True, "Installed", &message);
            let reason = if connected { "Connected" } else { connected_reason };
            set("Ready", connected.into(), reason, &connected_message);
        }
        Installation::Blocked { reason, message } => {
            if !is_installed(&conditions(spoke)) {
                set("AgentInstalled", ConditionStatus::False, reason, message);
            }
            set("Ready", ConditionStatus::False, reason, message);
        }
        Installation::Draining { reason, message } => {
            set("Ready", ConditionStatus::False, reason, message);
        }
    }
    let mut status = json!({"conditions": all, "observedGeneration": generation});
    if let Some(name) = &seen.cluster {
        status["clusterName"] = name.as_str().into();
    }
    if let Installation::Done { digest, .. } = &seen.installation {
        status["installed"] = digest.as_str().into();
    }
    differs(spoke, &status).then(|| json!({"status": status}))
}

/// An agent that was installed stays so, whatever hinders the next update.
fn is_installed(conditions: &Conditions) -> bool {
    conditions.is_true("AgentInstalled")
}

fn connected(heartbeat: Heartbeat, now: Timestamp) -> (bool, &'static str, String) {
    match heartbeat {
        Heartbeat::Never => (
            false,
            "NeverConnected",
            "the agent has not reported yet: its pod may still be starting".to_owned(),
        ),
        Heartbeat::Last(at) if heartbeat.stale_in(now).is_some() => {
            let _ = at;
            (true, "HeartbeatReceived", "the agent reports".to_owned())
        }
        Heartbeat::Last(at) => (
            false,
            "HeartbeatMissing",
            format!(
                "the agent was last heard at {}; look at its pod: kubectl -n flux-system logs deployment/capstan-agent",
                at.strftime("%Y-%m-%dT%H:%M:%SZ")
            ),
        ),
    }
}

fn differs(object: &Manifest, status: &Value) -> bool {
    let before = object.value().get("status").unwrap_or(&Value::Null);
    let fields = status.as_object().expect("made as a map");
    fields.iter().any(|(key, value)| before.get(key) != Some(value))
}

#[cfg(test)]
mod tests {
    use super::{Heartbeat, Installation, STALE_AFTER, Seen, patch};
    use capstan_model::Manifest;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn spoke(status: &Value) -> Manifest {
        let value = json!({"apiVersion": "fleet.capstan.dev/v1alpha1", "kind": "Spoke",
            "metadata": {"name": "a", "generation": 2}, "status": status});
        Manifest::try_from(value).expect("valid")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    fn done(heartbeat: Heartbeat) -> Seen {
        let installation = Installation::Done { version: "v1".to_owned(), digest: "d".to_owned() };
        Seen { installation, heartbeat, cluster: Some("c".to_owned()) }
    }

    fn ready(patch: &Value) -> (String, String) {
        let conditions = patch["status"]["conditions"].as_array().expect("a list");
        let ready = conditions.iter().find(|c| c["type"] == "Ready").expect("there");
        let text = |key: &str| ready[key].as_str().expect("text").to_owned();
        (text("status"), text("reason"))
    }

    #[test]
    fn ready_is_installed_and_connected() {
        let patched = |seen: &Seen| patch(&spoke(&json!({})), seen, at(100)).expect("new");
        let fresh = done(Heartbeat::Last(at(95)));
        assert_eq!(ready(&patched(&fresh)), ("True".into(), "Connected".into()));
        assert_eq!(patched(&fresh)["status"]["observedGeneration"], 2);
        let stale = done(Heartbeat::Last(at(60)));
        assert_eq!(ready(&patched(&stale)), ("False".into(), "HeartbeatMissing".into()));
        let never = done(Heartbeat::Never);
        assert_eq!(ready(&patched(&never)), ("False".into(), "NeverConnected".into()));
    }

    #[test]
    fn a_status_that_says_it_already_is_left_alone() {
        let first = patch(&spoke(&json!({})), &done(Heartbeat::Last(at(95))), at(100));
        let settled = spoke(&first.expect("new")["status"]);
        assert!(patch(&settled, &done(Heartbeat::Last(at(105))), at(110)).is_none());
        assert!(patch(&settled, &done(Heartbeat::Never), at(110)).is_some());
    }

    #[test]
    fn a_failed_update_does_not_uninstall() {
        let first = patch(&spoke(&json!({})), &done(Heartbeat::Last(at(95))), at(100));
        let settled = spoke(&first.expect("new")["status"]);
        let blocked = Seen {
            installation: Installation::Blocked {
                reason: "ClusterUnreachable",
                message: "m".into(),
            },
            heartbeat: Heartbeat::Last(at(99)),
            cluster: None,
        };
        let patch = patch(&settled, &blocked, at(101)).expect("a change");
        assert_eq!(ready(&patch), ("False".into(), "ClusterUnreachable".into()));
        let installed = patch["status"]["conditions"].as_array().expect("a list");
        assert!(installed.iter().any(|c| c["type"] == "AgentInstalled" && c["status"] == "True"));
    }

    #[test]
    fn a_heartbeat_is_a_lease_renewal() {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "spoke-a", "namespace": "flux-system"},
            "spec": {"renewTime": "1970-01-01T00:01:40.000000Z"}});
        let heartbeat = Heartbeat::of(Some(&Manifest::try_from(lease).expect("valid")));
        assert_eq!(heartbeat, Heartbeat::Last(at(100)));
        assert_eq!(heartbeat.stale_in(at(110)).map(|left| left.as_secs()), Some(30));
        assert!(heartbeat.stale_in(at(100) + STALE_AFTER).is_none());
        assert_eq!(Heartbeat::of(None), Heartbeat::Never);
    }
}
