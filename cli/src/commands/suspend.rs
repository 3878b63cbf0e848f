use serde_json::json;

use crate::args::{self, Cluster};
use crate::commands::reconcile;
use crate::commands::target::Target;
use crate::connect;
use crate::failure::Failure;
use crate::out;

/// Stops the reconciliation of an object.
pub(crate) async fn suspend(cluster: &Cluster, what: &args::Target) -> Result<(), Failure> {
    let client = connect::client(cluster).await?;
    let target = target(cluster, what);
    let kind = target.kind.to_lowercase();
    out::begin(&format!("suspending {kind} {} in {} namespace", target.name, target.namespace));
    target.patch(&client, &json!({"spec": {"suspend": true}})).await?;
    out::done(&format!("{kind} suspended"));
    Ok(())
}

/// Goes on with the reconciliation of an object and waits for it.
pub(crate) async fn resume(cluster: &Cluster, what: &args::Target) -> Result<(), Failure> {
    let client = connect::client(cluster).await?;
    let target = target(cluster, what);
    let kind = target.kind.to_lowercase();
    out::begin(&format!("resuming {kind} {} in {} namespace", target.name, target.namespace));
    target.patch(&client, &json!({"spec": {"suspend": false}})).await?;
    out::done(&format!("{kind} resumed"));
    reconcile::finish(&client, &target, cluster, None).await
}

fn target(cluster: &Cluster, what: &args::Target) -> Target {
    match what {
        args::Target::Kustomization { name } => Target::kustomization(name, &cluster.namespace),
        args::Target::Source(source) => Target::source(source, &cluster.namespace),
    }
}
