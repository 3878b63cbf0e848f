//! Which objects were seen healthy, and in which state: what nobody has written since need not be looked at again.

use std::collections::HashMap;

use capstan_apply::{Applied, Live, Outcome};
use capstan_health::Status;
use capstan_model::{Manifest, ObjectId};

use super::expressions::Expressions;
use super::health::health_of;
use crate::world::Place;

/// The resource versions in which objects were healthy.
#[derive(Clone, Debug, Default)]
pub(super) struct Proofs(HashMap<ObjectId, String>);

impl Proofs {
    /// Notes what was healthy when it was stored.
    pub(super) fn note_stored(&mut self, outcome: &Outcome, expressions: &Expressions) {
        for Applied { id, stored, .. } in &outcome.applied {
            let Some(stored) = stored else { continue };
            self.0.remove(id);
            if health_of(stored, expressions).0 == Status::Current {
                self.note(stored);
            }
        }
    }

    /// Notes that an object is healthy.
    pub(super) fn note(&mut self, object: &Manifest) {
        self.0.insert(object.id(), object.resource_version().to_owned());
    }

    /// Forgets what may be otherwise by now.
    pub(super) fn refresh(&mut self, live: &dyn Live, places: &[Place]) {
        let mut kept = HashMap::with_capacity(self.0.len());
        for place in places {
            let id = place.id();
            if let Some((id, version)) = self.0.remove_entry(&id)
                && is_at(live, place, &version) == Some(true)
            {
                kept.insert(id, version);
            }
        }
        self.0 = kept;
    }

    /// Is the object healthy for all that is known? Where no watch shows it, it was noted in this run.
    pub(super) fn hold(&self, live: &dyn Live, place: &Place) -> bool {
        let version = self.0.get(&place.id());
        version.is_some_and(|version| is_at(live, place, version) != Some(false))
    }
}

/// Is an object in a state? Nothing where no watch shows it.
fn is_at(live: &dyn Live, place: &Place, version: &str) -> Option<bool> {
    let sight = live.sight(&place.gvk, &place.id())?;
    Some(sight.is_some_and(|sight| sight.resource_version == version))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use capstan_apply::{Live, Unwatched};
    use capstan_cluster::Sight;
    use capstan_model::{GroupVersionKind, Manifest, NamespacedName, ObjectId};
    use serde_json::json;

    use super::{Place, Proofs};

    /// A watch that shows the object in one state, or that it is gone.
    struct Shows(Option<&'static str>);

    impl Live for Shows {
        fn sight(&self, _: &GroupVersionKind, _: &ObjectId) -> Option<Option<Arc<Sight>>> {
            let sight = |version: &str| {
                Arc::new(Sight { resource_version: version.to_owned(), ..Sight::default() })
            };
            Some(self.0.map(sight))
        }

        fn saw(&self, _: &GroupVersionKind, _: Sight) {}

        fn is_held_by(&self, _: &NamespacedName, _: &ObjectId) -> bool {
            false
        }

        fn wanted_by(&self, _: &ObjectId) -> Option<NamespacedName> {
            None
        }
    }

    fn proven() -> (Proofs, Place) {
        let object = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "x", "namespace": "n", "resourceVersion": "7"}});
        let object = Manifest::try_from(object).expect("valid");
        let mut proofs = Proofs::default();
        proofs.note(&object);
        (proofs, Place::new(object.gvk(), "n", "x"))
    }

    #[test]
    fn what_nobody_wrote_is_healthy_still() {
        let (proofs, place) = proven();
        assert!(proofs.hold(&Shows(Some("7")), &place));
        assert!(!proofs.hold(&Shows(Some("8")), &place), "it was written");
        assert!(!proofs.hold(&Shows(None), &place), "it is gone");
        assert!(proofs.hold(&Unwatched, &place), "it was stored a moment ago");
    }

    #[test]
    fn a_proof_lasts_where_a_watch_shows_the_object() {
        for (live, lasts) in [(&Shows(Some("7")) as &dyn Live, true), (&Unwatched, false)] {
            let (mut proofs, place) = proven();
            proofs.refresh(live, std::slice::from_ref(&place));
            assert_eq!(proofs.hold(&Unwatched, &place), lasts);
        }
        let (mut proofs, place) = proven();
        proofs.refresh(&Shows(Some("7")), &[]);
        assert!(!proofs.hold(&Shows(Some("7")), &place), "nobody asks for it any more");
    }
}
