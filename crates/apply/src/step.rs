use std::time::Duration;

use capstan_cluster::{ApiFault, ApplyOptions, Cluster, ClusterError, DeleteOptions, Sight};
use capstan_model::{Fault as _, Manifest, NamespacedName, Retry};
use capstan_plan::{ApplyMode, ApplyStep, Owner};
use capstan_ssa::ManagerRule;

use crate::live::{Live, Seen, takes_over};
use crate::{Action, FailureCause, cleanup};

/// How long a deleted object may take to go before it is made anew.
const RECREATE_TIMEOUT: Duration = Duration::from_secs(60);

/// Where steps run.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) live: &'a dyn Live,
    pub(crate) owner: &'a Owner,
    pub(crate) takes_over: &'a [ManagerRule],
}

/// What came of a step.
pub(crate) struct Done {
    pub(crate) action: Action,
    /// The object as it is now; nothing where it was only looked at.
    pub(crate) stored: Option<Manifest>,
    /// As it was seen last.
    pub(crate) sight: Option<Sight>,
    /// Who holds it, where it was left to another unit.
    pub(crate) holder: Option<NamespacedName>,
}

impl Done {
    const fn not_sent(action: Action, sight: Sight, holder: Option<NamespacedName>) -> Self {
        Self { action, stored: None, sight: Some(sight), holder }
    }

    fn stored(place: Place<'_>, step: &ApplyStep, action: Action, stored: Manifest) -> Self {
        let sight = Sight::of_object(&stored);
        place.live.saw(&step.manifest.gvk(), sight.clone());
        Self { action, stored: Some(stored), sight: Some(sight), holder: None }
    }
}

/// Applies one object. Idempotent: server-side apply of the same object changes nothing.
pub(crate) async fn run(place: Place<'_>, step: &ApplyStep) -> Result<Done, FailureCause> {
    if let Some(stored) = create(place, step).await? {
        return Ok(Done::stored(place, step, Action::Created, stored));
    }
    let live = before(place, step).await.map_err(FailureCause::Cluster)?;
    if let Some(sight) = live.as_ref().map(Before::sight) {
        if step.mode == ApplyMode::IfNotPresent || step.spares(&Seen(&sight)) {
            return Ok(Done::not_sent(Action::Skipped, sight, None));
        }
        if let Some(holder) = holder(place, step, &sight) {
            // Who may not write it, or wants what cannot be, is told so, whoever has it.
            let would_be = ApplyOptions { dry_run: true, ..options(step) };
            place.cluster.apply(&step.manifest, would_be).await.map_err(FailureCause::Cluster)?;
            return Ok(Done::not_sent(Action::Left, sight, Some(holder)));
        }
    }
    let live = prepare(place, step, live).await.map_err(FailureCause::Cluster)?;
    let recreates = |live: &Before| step.recreates(&Seen(&live.sight()));
    let may_recreate = live.as_ref().map_or(step.recreate, recreates);
    let (action, stored) = match send(place, step, live.as_ref()).await {
        Ok(stored) => (action(live.as_ref(), &stored), stored),
        Err(error) if !may_recreate && is_immutable(&error) => {
            return Err(FailureCause::Immutable(error));
        }
        Err(error) if may_recreate && may_be_immutable(&error) => {
            if !would_be_accepted(place.cluster, step).await {
                return Err(FailureCause::Cluster(error));
            }
            (Action::Recreated, recreate(place, step).await?)
        }
        Err(error) => return Err(FailureCause::Cluster(error)),
    };
    Ok(Done::stored(place, step, action, stored))
}

/// No object has this resource version: etcd's count begins before the first write.
const NEVER: &str = "1";

/// Applies an object that is not ours yet if it is not there at all, which saves the look before. To change what is there, a
/// server-side apply that names a resource version must name the right one; to create, it may name any.
async fn create(place: Place<'_>, step: &ApplyStep) -> Result<Option<Manifest>, FailureCause> {
    let is_absent = matches!(place.live.sight(&step.manifest.gvk(), &step.id), Some(None));
    if !is_absent {
        return Ok(None);
    }
    let mut wanted = step.manifest.clone();
    wanted.value_mut()["metadata"]["resourceVersion"] = NEVER.into();
    match place.cluster.apply(&wanted, options(step)).await {
        Ok(stored) => Ok(Some(stored)),
        // It is there, or what was refused is refused again, and explained, when it is looked at.
        Err(error) if error.is_conflict() || error.retry() != Retry::Transient => Ok(None),
        Err(error) => Err(FailureCause::Cluster(error)),
    }
}

/// The other unit to which the object is left.
fn holder(place: Place<'_>, step: &ApplyStep, sight: &Sight) -> Option<NamespacedName> {
    let other = place.owner.other(&Seen(sight))?;
    place.live.is_held_by(&other, &step.id).then_some(other)
}

/// An object before it is applied: as a watch shows it, or whole where somebody had to look closer.
enum Before {
    Watched(Sight),
    Whole(Box<Manifest>),
}

impl Before {
    fn sight(&self) -> Sight {
        match self {
            Self::Watched(sight) => sight.clone(),
            Self::Whole(object) => Sight::of_object(object),
        }
    }

    fn resource_version(&self) -> &str {
        match self {
            Self::Watched(sight) => &sight.resource_version,
            Self::Whole(object) => object.resource_version(),
        }
    }
}

/// The object as it is. What no watch shows is asked for: it may be there, and not be ours yet.
async fn before(place: Place<'_>, step: &ApplyStep) -> Result<Option<Before>, ClusterError> {
    let watched = place.live.sight(&step.manifest.gvk(), &step.id);
    if let Some(Some(sight)) = watched
        && step.ignored.is_empty()
        && !takes_over(step, &sight, place.takes_over)
    {
        return Ok(Some(Before::Watched((*sight).clone())));
    }
    let found = get(place.cluster, &step.manifest).await?;
    Ok(found.map(|object| Before::Whole(Box::new(object))))
}

async fn get(cluster: &Cluster, manifest: &Manifest) -> Result<Option<Manifest>, ClusterError> {
    cluster.get(&manifest.gvk(), manifest.namespace(), manifest.name()).await
}

/// Takes fields over that were written by hand, so that the apply removes what is not wanted of them.
async fn prepare(
    place: Place<'_>,
    step: &ApplyStep,
    live: Option<Before>,
) -> Result<Option<Before>, ClusterError> {
    let Some(Before::Whole(object)) = live else { return Ok(live) };
    if !step.overrides(&*object) {
        return Ok(Some(Before::Whole(object)));
    }
    let patch = cleanup::patch(&object, place.takes_over, &step.field_manager);
    let Some(patch) = patch else { return Ok(Some(Before::Whole(object))) };
    let (gvk, namespace, name) = (object.gvk(), object.namespace(), object.name());
    let cleaned = place.cluster.merge(&gvk, namespace, name, &patch, &step.field_manager).await?;
    Ok(Some(Before::Whole(Box::new(cleaned))))
}

fn options(step: &ApplyStep) -> ApplyOptions<'_> {
    ApplyOptions { field_manager: &step.field_manager, force: true, dry_run: false }
}

async fn send(
    place: Place<'_>,
    step: &ApplyStep,
    live: Option<&Before>,
) -> Result<Manifest, ClusterError> {
    match live {
        Some(Before::Whole(live)) if !step.ignored.is_empty() => {
            let mut wanted = step.manifest.clone();
            let (value, own) = (wanted.value_mut(), &step.field_manager);
            capstan_ssa::leave_ignored(value, live.value(), &step.ignored, own);
            place.cluster.apply(&wanted, options(step)).await
        }
        _ => place.cluster.apply(&step.manifest, options(step)).await,
    }
}

fn action(live: Option<&Before>, stored: &Manifest) -> Action {
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

/// Deletes just the object that may be made anew, as it is now: what it says of itself may have changed since it was seen.
async fn delete(place: Place<'_>, step: &ApplyStep) -> Result<(), FailureCause> {
    let (gvk, manifest) = (step.manifest.gvk(), &step.manifest);
    let live = get(place.cluster, manifest).await.map_err(FailureCause::Cluster)?;
    let Some(live) = live else { return Ok(()) };
    if step.spares(&live) || !step.recreates(&live) {
        let what = "it must be recreated, and it does not say any more that it may be".to_owned();
        return Err(FailureCause::Waiting(what));
    }
    let (namespace, name, options) =
        (manifest.namespace(), manifest.name(), DeleteOptions::just(&live));
    let deleted = place.cluster.delete(&gvk, namespace, name, &options).await;
    deleted.map(drop).map_err(FailureCause::Cluster)
}

async fn recreate(place: Place<'_>, step: &ApplyStep) -> Result<Manifest, FailureCause> {
    let (cluster, gvk, manifest) = (place.cluster, step.manifest.gvk(), &step.manifest);
    let (namespace, name) = (manifest.namespace(), manifest.name());
    delete(place, step).await?;
    let gone = cluster
        .wait_until(&gvk, namespace, name, RECREATE_TIMEOUT, |live| live.is_none())
        .await
        .map_err(FailureCause::Cluster)?;
    if !gone {
        let what = "it must be recreated, and the old one is not gone yet".to_owned();
        return Err(FailureCause::Waiting(what));
    }
    send(place, step, None).await.map_err(FailureCause::Cluster)
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
