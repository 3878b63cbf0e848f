//! XRDs: each becomes one or two CRDs, whose objects are then watched.

mod retire;
mod rights;
mod status;

use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::ClusterError;
use capstan_compose::meta::{FINALIZER_DEFINED, FINALIZER_OFFERED};
use capstan_compose::xrd::{Xrd, XrdError};
use capstan_model::{Chain, Manifest, NamespacedName};
use capstan_runtime::Next;
use serde_json::{Value, json};

use crate::composite::Definition;
use crate::object::{conditions, controller, with_finalizer};
use crate::world::World;
use crate::{APPLY, FIELD_MANAGER, kinds};

/// Why an XRD is not established: the message of its condition.
#[derive(Debug, thiserror::Error)]
enum DefinitionError {
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The XRD is faulty.
    #[error(transparent)]
    Xrd(#[from] XrdError),
    /// The CRD is there and belongs to somebody else.
    #[error("CRD `{0}` exists and is not made by this XRD: delete it, or give the XRD other names")]
    Taken(String),
}

/// Reconciles one XRD.
pub(crate) async fn reconcile(world: Arc<World>, name: String) -> Next {
    let xrd = match world.cluster.get(&kinds::definition(), "", &name).await {
        Ok(Some(xrd)) => xrd,
        Ok(None) | Err(ClusterError::NoSuchKind(_)) => {
            return match rights::grant(&world).await {
                Ok(()) => Next::Wait,
                Err(_) => Next::Backoff,
            };
        }
        Err(error) => {
            tracing::warn!(name, %error, "XRD not read");
            return Next::Backoff;
        }
    };
    let done = if xrd.is_deleting() {
        retire::run(&world, &xrd).await
    } else {
        establish(&world, &xrd).await
    };
    match done {
        Ok(next) => next,
        Err(DefinitionError::Cluster(error)) if error.is_conflict() => {
            Next::After(Duration::from_millis(50))
        }
        Err(error) => {
            let message = Chain(&error).to_string();
            tracing::warn!(name, %message, "XRD not established");
            status::failed(&world, &xrd, &message).await;
            match error {
                // Nothing but an edit helps, and that wakes us.
                DefinitionError::Xrd(_) => Next::Wait,
                _ => Next::Backoff,
            }
        }
    }
}

async fn establish(world: &Arc<World>, object: &Manifest) -> Result<Next, DefinitionError> {
    let definition = Definition::of(Xrd::parse(object)?);
    let offered = definition.claim.is_some().then_some(FINALIZER_OFFERED);
    for finalizer in [Some(FINALIZER_DEFINED), offered].into_iter().flatten() {
        if let Some(patch) = with_finalizer(object, finalizer) {
            let gvk = kinds::definition();
            world.cluster.merge(&gvk, "", object.name(), &patch, FIELD_MANAGER).await?;
            // The write wakes us.
            return Ok(Next::Wait);
        }
    }
    let definitions = world.watch(&kinds::definition());
    let crds = world.watch(&kinds::crd());
    if !definitions.is_synced() || !crds.is_synced() {
        return Ok(Next::After(Duration::from_millis(100)));
    }
    rights::grant(world).await?;
    let mut served = Vec::new();
    for crd in wanted(&definition, object) {
        let there = crds.get(&NamespacedName::new("", crd.name()));
        let owner = there.as_ref().and_then(|there| controller(there));
        if there.is_some() && owner.is_none_or(|owner| owner.uid != object.uid()) {
            return Err(DefinitionError::Taken(crd.name().to_owned()));
        }
        let stored = world.cluster.apply(&crd, APPLY).await?;
        served.push(conditions(&stored).is_true("Established"));
    }
    let all_served = served.iter().all(|served| *served);
    if all_served {
        world.composites.serve(&definition);
        for gvk in [Some(&definition.composite), definition.claim.as_ref()].into_iter().flatten() {
            world.watch(gvk);
        }
        wake_all(world, &definition);
    }
    status::established(world, object, &definition, &served).await?;
    // The CRD's own event says when it is served.
    Ok(Next::Wait)
}

/// What is there already is looked at again: the XRD may have changed what it publishes.
fn wake_all(world: &Arc<World>, definition: &Definition) {
    for composite in world.watch(&definition.composite).all() {
        let key = (definition.composite.clone(), composite.name().to_owned());
        world.queues.composites.wake(key);
    }
    let Some(gvk) = &definition.claim else { return };
    for claim in world.watch(gvk).all() {
        let key = NamespacedName::new(claim.namespace(), claim.name());
        world.queues.claims.wake((gvk.clone(), key));
    }
}

/// The CRDs of an XRD, controlled by it: the composites' first.
fn wanted(definition: &Definition, xrd: &Manifest) -> Vec<Manifest> {
    let owner = json!([{
        "apiVersion": xrd.api_version(),
        "kind": xrd.kind(),
        "name": xrd.name(),
        "uid": xrd.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    }]);
    let owned = |mut crd: Value| {
        crd["metadata"]["ownerReferences"] = owner.clone();
        Manifest::try_from(crd).expect("a CRD has a name")
    };
    let claim = definition.xrd.claim_crd();
    [Some(definition.xrd.composite_crd()), claim].into_iter().flatten().map(owned).collect()
}

#[cfg(test)]
mod tests {
    use super::wanted;
    use crate::composite::Definition;
    use capstan_compose::xrd::Xrd;
    use capstan_model::Manifest;

    fn example() -> Manifest {
        let text = include_str!(
            "../../../examples/fleet/gitops-system/tools-config/eks-composition/definition.yaml"
        );
        let documents = capstan_yaml::read(text, "definition.yaml").expect("YAML");
        let mut value = documents.into_iter().next().expect("a document");
        value["metadata"]["uid"] = "1".into();
        Manifest::try_from(value).expect("an object")
    }

    #[test]
    fn the_example_becomes_two_crds_that_it_controls() {
        let object = example();
        let definition = Definition::of(Xrd::parse(&object).expect("valid"));
        assert_eq!(definition.composite.to_string(), "platform.example.com/v1alpha1 EKSCluster");
        let crds = wanted(&definition, &object);
        let names: Vec<_> = crds.iter().map(Manifest::name).collect();
        let expected =
            ["eksclusters.platform.example.com", "eksclusterclaims.platform.example.com"];
        assert_eq!(names, expected);
        assert_eq!(crds[0].value()["metadata"]["ownerReferences"][0]["uid"], "1");
        assert_eq!(crds[1].value()["spec"]["scope"], "Namespaced");
    }
}
