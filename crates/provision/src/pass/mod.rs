//! One pass over one managed resource: ask [`decide`] for a step, do it, ask again.

mod inputs;
mod steps;

use std::time::Duration;

use capstan_cloud::CloudError;
use capstan_cluster::{EventType, Note};
use capstan_model::{GroupVersionKind, Manifest};
use capstan_runtime::Next;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::decide::{Done, Facts, Look, Ready, Rest, Sight, Step, Synced, decide};
use crate::erased::{AnyProvider, DynKind};
use crate::graph::{self, Company, Hold, Shape, Siblings, Topic};
use crate::kind::Drift;
use crate::managed::Managed;
use crate::references::{Resolution, resolve};
use crate::secret::{self, Connection};
use crate::siblings::{is_leaving, siblings};
use crate::status;
use crate::world::{Key, World};

/// No pass takes more steps: whatever goes on after so many goes round in a circle.
const MOST_STEPS: usize = 24;
/// After a deletion began, everything that refers to the object may still be deleted for this long.
const YOUNG: Duration = Duration::from_secs(15);

/// What a pass knows and does.
struct Pass<'a> {
    world: &'a World,
    key: &'a Key,
    kind: &'a dyn DynKind,
    shape: Shape,
    gvk: GroupVersionKind,
    object: Manifest,
    resolution: Resolution,
    /// An edit of the region, which no service can follow: the resource stays where it is.
    moved: Option<Drift>,
    unready: Option<Hold>,
    blocker: Option<Hold>,
    provider: Option<AnyProvider>,
    sight: Sight,
    done: Done,
    at_provider: Option<Value>,
    connection: Connection,
    /// A create answered that the resource exists: once is a race, twice is somebody else's.
    existed: bool,
    /// Reason of the event that a failure becomes, in Crossplane's words.
    failure: &'static str,
}

/// Why a pass ended without a rest of its own.
enum Stop {
    /// With these conditions.
    Rest(Rest),
    /// Without a word: the object changed or went meanwhile.
    Again(Next),
}

impl From<Rest> for Stop {
    fn from(rest: Rest) -> Self {
        Self::Rest(rest)
    }
}

/// Reconciles one managed resource.
pub(crate) async fn run(world: &World, key: &Key) -> Next {
    if !world.is_settled() {
        return Next::After(Duration::from_millis(100));
    }
    let (Some(object), Some(kind)) = (world.latest(key), world.kind(key)) else {
        world.forget(key);
        return Next::Wait;
    };
    let shape = kind.shape();
    let mut pass = Pass {
        world,
        key,
        kind: &**kind,
        shape,
        gvk: GroupVersionKind::new(shape.meta.group, shape.meta.version, shape.meta.kind),
        resolution: resolve(&shape, &object, &Siblings::None, world),
        object: Manifest::clone(&object),
        moved: None,
        unready: None,
        blocker: None,
        provider: None,
        sight: Sight::NotLooked,
        done: Done::default(),
        at_provider: None,
        connection: Connection::new(),
        existed: false,
        failure: "CannotResolveResourceReferences",
    };
    let stop = match pass.announce().await {
        Ok(()) => pass.steps().await,
        Err(stop) => stop,
    };
    match stop {
        Stop::Again(next) => next,
        Stop::Rest(rest) => pass.conclude(rest).await,
    }
}

impl Pass<'_> {
    fn managed(&self) -> Managed<'_> {
        Managed(&self.object)
    }

    /// Says at once that a new object is not ready, so that nobody takes silence for success.
    async fn announce(&mut self) -> Result<(), Stop> {
        let said = self.managed().conditions().get("Ready").is_some();
        if said || self.object.is_deleting() || self.managed().is_paused() {
            return Ok(());
        }
        let rest = Rest {
            ready: Ready::Creating(String::new()),
            synced: Synced::Success,
            look: Look::Soon,
        };
        self.write_status(&rest).await
    }

    async fn steps(&mut self) -> Stop {
        if let Err(stop) = self.look_around().await {
            return stop;
        }
        for _ in 0..MOST_STEPS {
            let step = self.decide();
            tracing::trace!(object = %self.object.id(), ?step, "step");
            if let Err(stop) = self.step(step).await {
                return stop;
            }
        }
        tracing::warn!(object = %self.object.id(), "a pass went round in a circle");
        Stop::Again(Next::Backoff)
    }

    fn decide(&self) -> Step {
        decide(&Facts {
            object: self.managed(),
            meta: &self.shape.meta,
            now: Timestamp::now(),
            window: self.world.options().visibility_window,
            missing: self.resolution.missing.as_ref(),
            unready: self.resolution.unready.as_ref().or(self.unready.as_ref()),
            blocker: self.blocker.as_ref(),
            sight: &self.sight,
            done: self.done,
        })
    }

    /// References, edges and blockers. The composite is read only while something depends on its completeness.
    async fn look_around(&mut self) -> Result<(), Stop> {
        let shape = &self.shape;
        let follows = !(shape.references.is_empty() && shape.edges.is_empty());
        let siblings = if follows && !self.object.is_deleting() && !self.managed().was_seen() {
            match siblings(self.world.cluster(), &self.object).await {
                Ok(siblings) => siblings,
                Err(error) => return Err(self.failed(&error)),
            }
        } else {
            Siblings::None
        };
        let company = self.company().await?;
        // A change between a judgement and the registration of what it waits for would be slept through, so the judgement
        // is made again until it waits for nothing new.
        let mut known = Vec::new();
        loop {
            self.judge(&siblings, company);
            let topics: Vec<Topic> = self.holds().map(|hold| hold.topic.clone()).collect();
            if topics.iter().all(|topic| known.contains(topic)) {
                return Ok(());
            }
            for topic in topics {
                self.world.wait_for(topic.clone(), self.key);
                known.push(topic);
            }
        }
    }

    /// Who goes with an object that is being deleted.
    async fn company(&self) -> Result<Company, Stop> {
        let Some(at) = self.managed().deleted_at() else { return Ok(Company::Everyone) };
        if Timestamp::now().duration_since(at).unsigned_abs() < YOUNG {
            return Ok(Company::Everyone);
        }
        match is_leaving(self.world.cluster(), &self.object).await {
            Ok(true) => Ok(Company::Composite),
            Ok(false) => Ok(Company::Nobody),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn judge(&mut self, siblings: &Siblings, company: Company) {
        let (world, shape) = (self.world, &self.shape);
        self.resolution = resolve(shape, &self.object, siblings, world);
        self.moved = self.managed().moved(&world.options().aws_region);
        if let Some(moved) = &self.moved {
            self.resolution.spec["region"] = moved.found.clone();
        }
        if self.object.is_deleting() {
            self.blocker = graph::blockers(&self.object, company, world);
            if company == Company::Everyone && self.blocker.is_some() {
                // What is not being deleted stops to count at the end of that time.
                world.queue.wake_after(self.key.clone(), YOUNG);
            }
        } else if !self.managed().was_seen() {
            self.unready = graph::edges_before(shape, &self.object, siblings, world);
        }
    }

    fn holds(&self) -> impl Iterator<Item = &Hold> {
        let resolution = &self.resolution;
        [&resolution.missing, &resolution.unready, &self.unready, &self.blocker]
            .into_iter()
            .flatten()
    }

    /// Writes what a pass ended with, and says when to look again.
    async fn conclude(&mut self, mut rest: Rest) -> Next {
        if rest.look == Look::Never {
            self.world.forget(self.key);
            return Next::Wait;
        }
        let needed = !self.object.is_deleting() || self.managed().holder().is_some();
        if needed && let Err(error) = self.publish().await {
            rest.synced = Synced::Error(status::message(&error));
            rest.look = Look::Backoff;
        }
        self.warn(&rest).await;
        if let Err(Stop::Again(next)) = self.write_status(&rest).await {
            return next;
        }
        let steady = self.world.options().steady;
        if rest.look != Look::Soon {
            self.world.at_rest(self.key);
        }
        match rest.look {
            Look::Soon => Next::After(self.world.soon(self.key)),
            Look::Steady | Look::WhenWoken | Look::Never => {
                Next::After(spread(steady, &self.object))
            }
            Look::At(at) => {
                let left = at.duration_since(Timestamp::now()).max(jiff::SignedDuration::ZERO);
                Next::After(left.unsigned_abs() + Duration::from_millis(100))
            }
            Look::Backoff => Next::Backoff,
        }
    }

    /// An error that was not said yet becomes an event.
    async fn warn(&self, rest: &Rest) {
        let Synced::Error(message) = &rest.synced else { return };
        let conditions = self.managed().conditions();
        if conditions.get("Synced").is_none_or(|said| said.message != *message) {
            self.event(EventType::Warning, self.failure, message).await;
        }
    }

    async fn event(&self, type_: EventType, reason: &str, message: &str) {
        let note = Note {
            type_,
            reason: reason.to_owned(),
            message: message.to_owned(),
            annotations: std::collections::BTreeMap::new(),
        };
        let cluster = self.world.cluster();
        cluster.record(&self.object, "capstan-provision", note, Timestamp::now()).await;
    }

    async fn publish(&self) -> Result<(), CloudError> {
        let cluster = self.world.cluster();
        if secret::publish(cluster, &self.object, &self.connection).await?
            && let Some((namespace, name)) = self.managed().connection_secret()
        {
            self.world.changed("", "Secret", &format!("{namespace}/{name}"));
        }
        Ok(())
    }
}

/// Objects at rest are not looked at all at once.
fn spread(period: Duration, object: &Manifest) -> Duration {
    let digest = Sha256::digest(object.uid());
    period.mul_f64(0.9 + 0.2 * f64::from(digest[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::spread;
    use crate::testing::object;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn looks_are_spread_by_a_tenth() {
        let delay = spread(Duration::from_secs(60), &object(json!({})));
        assert!((54..=66).contains(&delay.as_secs()), "{delay:?}");
    }
}
