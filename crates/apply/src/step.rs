use std::time::Duration;

use capstan_cluster::{ApiFault, ApplyOptions, Cluster, ClusterError, DeleteOptions};
use capstan_model::Manifest;
use capstan_plan::{ApplyMode, ApplyStep};

use crate::{Action, FailureCause};

/// How long a deleted object may take to go before it is made anew.
const RECREATE_TIMEOUT: Duration = Duration::from_secs(60);

/// Applies one object. Idempotent: server-side apply of the same object changes nothing.
pub(crate) async fn run(cluster: &Cluster, step: &ApplyStep) -> Result<Action, FailureCause> {
    let manifest = &step.manifest;
    let gvk = manifest.gvk();
    let live = cluster
        .get(&gvk, manifest.namespace(), manifest.name())
        .await
        .map_err(FailureCause::Cluster)?;
    if let Some(live) = &live
        && (step.mode == ApplyMode::IfNotPresent || step.spares(live))
    {
        return Ok(Action::Skipped);
    }
    match send(cluster, step).await {
        Ok(stored) => Ok(action(live.as_ref(), &stored)),
        Err(error) if !step.recreate && is_immutable(&error) => Err(FailureCause::Immutable(error)),
        Err(error) if step.recreate && may_be_immutable(&error) => {
            if would_be_accepted(cluster, step).await {
                recreate(cluster, step).await
            } else {
                Err(FailureCause::Cluster(error))
            }
        }
        Err(error) => Err(FailureCause::Cluster(error)),
    }
}

async fn send(cluster: &Cluster, step: &ApplyStep) -> Result<Manifest, ClusterError> {
    let options = ApplyOptions { field_manager: &step.field_manager, force: true, dry_run: false };
    cluster.apply(&step.manifest, options).await
}

fn action(live: Option<&Manifest>, stored: &Manifest) -> Action {
    match live {
        None => Action::Created,
        Some(live) if live.resource_version() == stored.resource_version() => Action::Unchanged,
        Some(_) => Action::Configured,
    }
}

/// What API servers say about fields that keep their first value.
const IMMUTABLE: [&str; 6] = [
    "immutable",
    "may not change",
    "cannot change",
    "are forbidden",
    "cannot be changed",
    "may not be changed",
];

fn is_immutable(error: &ClusterError) -> bool {
    let says = |fault: &ApiFault| IMMUTABLE.iter().any(|words| fault.message.contains(words));
    may_be_immutable(error) && error.api().is_some_and(says)
}

/// Could a new object be accepted where this change was not? What an admission policy denies could not.
fn may_be_immutable(error: &ClusterError) -> bool {
    let is_denied = error.api().is_some_and(|fault| fault.message.contains("denied"));
    !is_denied && (error.is_invalid() || (error.is_conflict() && !error.is_already_exists()))
}

/// Would the API server take the object if the old one were away? Nothing is deleted for one that could not come: a dry
/// run of its creation must fail for the namesake alone.
async fn would_be_accepted(cluster: &Cluster, step: &ApplyStep) -> bool {
    let created = cluster.create_dry_run(&step.manifest, &step.field_manager).await;
    created.is_ok() || created.is_err_and(|error| error.is_already_exists())
}

async fn recreate(cluster: &Cluster, step: &ApplyStep) -> Result<Action, FailureCause> {
    let (gvk, manifest) = (step.manifest.gvk(), &step.manifest);
    let (namespace, name) = (manifest.namespace(), manifest.name());
    cluster
        .delete(&gvk, namespace, name, &DeleteOptions::default())
        .await
        .map_err(FailureCause::Cluster)?;
    let gone = cluster
        .wait_until(&gvk, namespace, name, RECREATE_TIMEOUT, |live| live.is_none())
        .await
        .map_err(FailureCause::Cluster)?;
    if !gone {
        let what = "it must be recreated, and the old one is not gone yet".to_owned();
        return Err(FailureCause::Waiting(what));
    }
    send(cluster, step).await.map_err(FailureCause::Cluster)?;
    Ok(Action::Recreated)
}

#[cfg(test)]
mod tests {
    use super::{is_immutable, may_be_immutable};
    use capstan_cluster::{ApiFault, ClusterError};

    fn refused(code: u16, message: &str) -> ClusterError {
        let fault = ApiFault { code, reason: "Invalid".into(), message: message.into() };
        ClusterError::Api { operation: "apply", subject: "x".into(), fault }
    }

    #[test]
    fn only_what_a_new_object_may_mend_is_recreated() {
        for message in [
            "spec.selector: Invalid value: x: field is immutable",
            "spec.clusterIPs[0]: Invalid value: x: may not change once set",
            "spec: Forbidden: updates to statefulset spec for fields other than 'x' are forbidden",
            "roleRef: Invalid value: x: cannot change roleRef",
        ] {
            let error = refused(422, message);
            assert!(is_immutable(&error) && may_be_immutable(&error), "{message}");
        }
        let invalid = refused(422, "spec.replicas: Invalid value: -1: must be greater than 0");
        assert!(!is_immutable(&invalid) && may_be_immutable(&invalid));
        let denied = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: immutable";
        assert!(!may_be_immutable(&refused(422, denied)));
        assert!(!may_be_immutable(&refused(403, "x is forbidden: it is immutable")));
    }
}
