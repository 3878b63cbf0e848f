//! Composites: what a Composition makes of each, kept so.

mod apply;
mod delete;
#[cfg(test)]
mod example;
mod observe;
mod publish;
mod registry;
mod status;

use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::ClusterError;
use capstan_compose::composition::Composition;
use capstan_compose::{configure, meta, select};
use capstan_model::Manifest;
use capstan_runtime::Next;

pub(crate) use observe::details;
pub(crate) use publish::write as write_secret;
pub(crate) use registry::{Composites, Definition};
pub(crate) use status::write as write_status;

use crate::object::{is_paused, with_finalizer};
use crate::world::{CompositeKey, World};
use crate::{FIELD_MANAGER, kinds};
use status::Outcome;

/// Connection Secrets outside the watched namespaces are looked at again after this: before a token in one of them, which
/// lives a quarter of an hour and is replaced after ten minutes, ends.
const REPUBLISH: Duration = Duration::from_secs(4 * 60);

/// Why a composite could not be dealt with: a condition's message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompositeError {
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// No Composition can be used.
    #[error(transparent)]
    Select(#[from] select::SelectError),
    /// The Composition is faulty.
    #[error(transparent)]
    Composition(#[from] capstan_compose::CompositionError),
    /// The Composition cannot be rendered.
    #[error(transparent)]
    Render(#[from] capstan_compose::render::RenderError),
    /// An object that a template names belongs to somebody else.
    #[error(
        "template `{template}`: {object} exists and is controlled by {controller}; give the template's object another name"
    )]
    Foreign {
        /// The template.
        template: String,
        /// `Kind/name`.
        object: String,
        /// `Kind/name`.
        controller: String,
    },
}

impl CompositeError {
    /// Did somebody write first? Then the next look decides anew, and there is nothing to tell.
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Cluster(error) if error.is_conflict())
    }
}

/// Reconciles one composite.
pub(crate) async fn reconcile(world: Arc<World>, key: CompositeKey) -> Next {
    let (gvk, name) = &key;
    let Some(definition) = world.composites.definition(&gvk.group, &gvk.kind) else {
        return Next::Wait;
    };
    let composite = match world.cluster.get(gvk, "", name).await {
        Ok(Some(composite)) => composite,
        Ok(None) | Err(ClusterError::NoSuchKind(_)) => {
            world.composites.forget(&key);
            return Next::Wait;
        }
        Err(error) => {
            tracing::warn!(%gvk, name, %error, "composite not read");
            return Next::Backoff;
        }
    };
    if is_paused(&composite) {
        return status::paused(&world, &composite).await;
    }
    let done = if composite.is_deleting() {
        delete::run(&world, &key, &composite).await
    } else {
        compose(&world, &definition, &composite).await
    };
    match done {
        Ok(next) => next,
        Err(error) if error.is_conflict() => Next::After(Duration::from_millis(50)),
        Err(error) => {
            status::failed(&world, &composite, &error).await;
            Next::Backoff
        }
    }
}

async fn compose(
    world: &Arc<World>,
    definition: &Definition,
    composite: &Manifest,
) -> Result<Next, CompositeError> {
    if let Some(patch) = with_finalizer(composite, meta::FINALIZER_COMPOSITE) {
        let gvk = composite.gvk();
        world.cluster.merge(&gvk, "", composite.name(), &patch, FIELD_MANAGER).await?;
        // The write wakes us.
        return Ok(Next::Wait);
    }
    let compositions = world.watch(&kinds::composition());
    if !compositions.is_synced() {
        return Ok(Next::After(Duration::from_millis(100)));
    }
    let chosen = registry::select(definition, composite, &compositions.all())?;
    let composition = Composition::parse(&chosen)?;
    let mut composite = composite.clone();
    if let Some(mut configured) = configure::configure(&composite, &composition) {
        registry::refer(&mut configured, chosen.name());
        composite = world.cluster.replace(&configured, FIELD_MANAGER).await?;
    } else if registry::refer(&mut composite, chosen.name()) {
        composite = world.cluster.replace(&composite, FIELD_MANAGER).await?;
    }
    let Some(outcome) = apply::to_fixpoint(world, definition, &composition, composite).await?
    else {
        return Ok(Next::After(Duration::from_millis(100)));
    };
    let Outcome { composite, rendered, .. } = &outcome;
    let published = publish::run(world, definition, composite, rendered).await?;
    status::conclude(world, &outcome, published.as_ref()).await?;
    let secrets_elsewhere = published.is_some_and(|published| published.from_unwatched);
    Ok(if outcome.is_settled() && secrets_elsewhere {
        Next::After(REPUBLISH)
    } else if outcome.failure.is_some() {
        Next::Backoff
    } else {
        Next::Wait
    })
}
