//! Of several agents with one selector, one works: the holder of a Lease.

use capstan_cluster::{Access, Cluster, Election, ElectionTimes, Fence, RequestRate};
use capstan_runtime::{Stop, run_id};
use tokio::task::JoinHandle;

use crate::args::Args;
use crate::world::World;

/// What every agent's Lease is called; that of a shard has a digest of its selector behind it.
const LEASE: &str = "capstan-agent-leader-election";

/// Says what holds for every client: the fence of the leader, and how often the API server is asked. Gives the fence, if
/// somebody is to be elected.
pub(crate) fn install(args: &Args) -> Option<Fence> {
    let fence = args.enable_leader_election.then(Fence::default);
    let rate = (args.kube_api_qps > 0.0)
        .then(|| RequestRate::new(args.kube_api_qps, f64::from(args.kube_api_burst.max(1))));
    Access { fence: fence.clone(), rate }.install();
    fence
}

/// The office, until it is given back.
pub(crate) struct Lead {
    kept: Option<(JoinHandle<Election>, Stop)>,
    releases: bool,
}

/// Waits until this agent leads; without a fence it does at once. Nothing when it was stopped meanwhile.
pub(crate) async fn win(
    world: &World,
    unfenced: Cluster,
    fence: Option<Fence>,
    stop: &Stop,
) -> Option<Lead> {
    let args = &world.args;
    let releases = args.leader_election_release_on_cancel;
    let Some(fence) = fence else {
        world.metrics.set_leads(true);
        return Some(Lead { kept: None, releases });
    };
    let times = ElectionTimes {
        lease: args.leader_election_lease_duration,
        renew: args.leader_election_renew_deadline,
        retry: args.leader_election_retry_period,
    };
    let (name, identity) = (lease_name(&args.watch_label_selector), identity());
    let place = (&*args.runtime_namespace, &*name);
    let mut election = Election::new(unfenced, place, identity.clone(), times, fence);
    tracing::info!(lease = name, identity, "attempting to acquire the leader lease");
    tokio::select! {
        () = election.win() => {}
        () = stop.cancelled() => return None,
    }
    tracing::info!(lease = name, identity, "successfully acquired the leader lease");
    world.metrics.set_leads(true);
    let given_back = Stop::new();
    let ends = given_back.clone();
    let kept = tokio::spawn(async move {
        tokio::select! {
            () = election.keep() => lost(),
            () = ends.cancelled() => election,
        }
    });
    Some(Lead { kept: Some((kept, given_back)), releases })
}

/// Nothing that was begun may go on: another may lead in a moment.
fn lost() -> Election {
    tracing::error!("leader election lost");
    std::process::exit(1)
}

impl Lead {
    /// Gives the office back. When work still goes on, the Lease is left to end by itself.
    pub(crate) async fn end(self, work_has_ended: bool) {
        let Some((kept, given_back)) = self.kept else { return };
        given_back.cancel();
        if let Ok(mut election) = kept.await
            && self.releases
            && work_has_ended
        {
            election.release().await;
        }
    }
}

fn lease_name(selector: &str) -> String {
    use sha2::{Digest, Sha256};
    if selector.is_empty() {
        return LEASE.to_owned();
    }
    let digest = hex::encode(Sha256::digest(selector));
    format!("{LEASE}-{}", &digest[..8])
}

/// A name that no other process has, also not this pod's own earlier one.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|host| !host.is_empty());
    format!("{}_{}", host.unwrap_or_else(|| "capstan-agent".to_owned()), run_id())
}

#[cfg(test)]
mod tests {
    use super::{identity, lease_name};

    #[test]
    fn shards_elect_on_their_own() {
        assert_eq!(lease_name(""), "capstan-agent-leader-election");
        let (one, two) = (lease_name("a=1"), lease_name("a=2"));
        assert!(one != two && one.len() == lease_name("").len() + 9, "{one} {two}");
    }

    #[test]
    fn no_two_processes_are_one() {
        assert_ne!(identity(), identity());
    }
}
