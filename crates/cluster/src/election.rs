//! Who leads: the holder of a Lease of coordination.k8s.io, by the rules of client-go.
//!
//! Clocks are never compared: whoever waits measures for how long a record has not changed.

use std::time::{Duration, Instant};

use capstan_model::{Chain, GroupVersionKind, Manifest};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Cluster, ClusterError, Fence};

/// Who writes the Lease.
const FIELD_MANAGER: &str = "capstan-election";

/// When a Lease is renewed and when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElectionTimes {
    /// A record that has not changed for so long may be taken over.
    pub lease: Duration,
    /// The holder gives up when he could not renew for so long; shorter than `lease`.
    pub renew: Duration,
    /// Between two tries.
    pub retry: Duration,
}

/// A candidate.
#[derive(Debug)]
pub struct Election {
    cluster: Cluster,
    namespace: String,
    name: String,
    identity: String,
    times: ElectionTimes,
    fence: Fence,
    /// The record as it was last seen, and since when.
    seen: Option<(Record, Instant)>,
}

/// What a Lease says, as far as it decides who leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    holder: String,
    renewed: String,
}

/// What a candidate does about a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is free, or over: take it.
    Take,
    /// It is ours: renew it.
    Renew,
    /// It is another's.
    Wait,
}

fn step(record: &Record, unchanged: Duration, identity: &str, lease: Duration) -> Step {
    if record.holder == identity {
        Step::Renew
    } else if record.holder.is_empty() || unchanged > lease {
        Step::Take
    } else {
        Step::Wait
    }
}

fn lease_kind() -> GroupVersionKind {
    GroupVersionKind::new("coordination.k8s.io", "v1", "Lease")
}

impl Election {
    /// A candidate of a name that no other has. `cluster` must be a client that the fence does not hold back.
    pub fn new(
        cluster: Cluster,
        (namespace, name): (&str, &str),
        identity: String,
        times: ElectionTimes,
        fence: Fence,
    ) -> Self {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Self { cluster, namespace, name, identity, times, fence, seen: None }
    }

    /// Waits until we lead. From then on the fence is open, as long as [`keep`](Self::keep) runs.
    pub async fn win(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %Chain(&error), lease = self.name, "no Lease"),
            }
            tokio::time::sleep(self.times.retry).await;
        }
    }

    /// Renews until that fails for too long, or another leads; then the fence is closed.
    pub async fn keep(&mut self) {
        let mut end = Instant::now() + self.times.renew;
        loop {
            tokio::time::sleep(self.times.retry).await;
            let began = Instant::now();
            let left = end.saturating_duration_since(began);
            match tokio::time::timeout(left, self.attempt()).await {
                Ok(Ok(true)) => end = began + self.times.renew,
                Ok(Ok(false)) if self.is_held_by_another() => break,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = %Chain(&error), lease = self.name, "not renewed");
                }
                Err(_late) => break,
            }
            if Instant::now() >= end {
                break;
            }
        }
        self.fence.close();
    }

    /// Gives the Lease away, so that the next need not wait. Nothing may be changed afterwards.
    pub async fn release(&mut self) {
        self.fence.close();
        let released = async {
            let Some(mut live) = self.read().await? else { return Ok(()) };
            if record(&live).holder != self.identity {
                return Ok(());
            }
            let spec = &mut live.value_mut()["spec"];
            spec["holderIdentity"] = "".into();
            spec["renewTime"] = now().into();
            spec["leaseDurationSeconds"] = 1.into();
            self.cluster.replace(&live, FIELD_MANAGER).await.map(|_| ())
        };
        let released: Result<(), ClusterError> = released.await;
        if let Err(error) = released {
            tracing::warn!(error = %Chain(&error), "the Lease was not released");
        }
    }

    fn is_held_by_another(&self) -> bool {
        let held = |(record, _): &(Record, Instant)| {
            !record.holder.is_empty() && record.holder != self.identity
        };
        self.seen.as_ref().is_some_and(held)
    }

    async fn read(&self) -> Result<Option<Manifest>, ClusterError> {
        self.cluster.get(&lease_kind(), &self.namespace, &self.name).await
    }

    /// Takes or renews the Lease; false when it is another's.
    async fn attempt(&mut self) -> Result<bool, ClusterError> {
        let began = Instant::now();
        let Some(live) = self.read().await? else {
            let lease = self.lease(json!({"acquireTime": now(), "leaseTransitions": 0}));
            return self.written(self.cluster.create(&lease, FIELD_MANAGER).await, began);
        };
        let record = record(&live);
        let since = match &self.seen {
            Some((seen, since)) if *seen == record => *since,
            _ => began,
        };
        self.seen = Some((record.clone(), since));
        let unchanged = began.saturating_duration_since(since);
        let before = &live.value()["spec"];
        let spec = match step(&record, unchanged, &self.identity, self.times.lease) {
            Step::Wait => return Ok(false),
            Step::Renew => json!({"acquireTime": before["acquireTime"],
                "leaseTransitions": before["leaseTransitions"]}),
            Step::Take => json!({"acquireTime": now(),
                "leaseTransitions": before["leaseTransitions"].as_i64().unwrap_or_default() + 1}),
        };
        let mut lease = self.lease(spec);
        // A stale resourceVersion is a conflict: of two who take it at once, one does.
        lease.value_mut()["metadata"]["resourceVersion"] = live.resource_version().into();
        self.written(self.cluster.replace(&lease, FIELD_MANAGER).await, began)
    }

    fn lease(&self, mut spec: Value) -> Manifest {
        spec["holderIdentity"] = self.identity.clone().into();
        spec["leaseDurationSeconds"] = self.times.lease.as_secs().max(1).into();
        spec["renewTime"] = now().into();
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": self.name, "namespace": self.namespace}, "spec": spec});
        Manifest::try_from(lease).expect("it has apiVersion, kind and name")
    }

    /// What became of a write that was begun at a moment: the fence is open for as long as nobody may take over.
    fn written(
        &mut self,
        written: Result<Manifest, ClusterError>,
        began: Instant,
    ) -> Result<bool, ClusterError> {
        match written {
            Ok(live) => {
                self.seen = Some((record(&live), began));
                self.fence.open_until(began + self.times.renew);
                Ok(true)
            }
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn record(live: &Manifest) -> Record {
    let text = |key: &str| {
        let found = live.value().pointer(&format!("/spec/{key}")).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    Record { holder: text("holderIdentity"), renewed: text("renewTime") }
}

/// Microseconds, as the API has it.
fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Record, Step, step};
    use std::time::Duration;

    #[test]
    fn a_lease_is_taken_only_when_its_holder_is_surely_gone() {
        let lease = Duration::from_secs(35);
        for (holder, unchanged, wanted) in [
            ("me", 0, Step::Renew),
            ("me", 100, Step::Renew),
            ("", 0, Step::Take),
            ("other", 0, Step::Wait),
            ("other", 35, Step::Wait),
            ("other", 36, Step::Take),
        ] {
            let record = Record { holder: holder.to_owned(), renewed: "t".to_owned() };
            let unchanged = Duration::from_secs(unchanged);
            assert_eq!(step(&record, unchanged, "me", lease), wanted, "{holder} {unchanged:?}");
        }
    }
}
