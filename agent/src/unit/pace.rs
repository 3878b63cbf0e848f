//! How often drift is put right: two controllers that fight over an object must not load the API server, and an object that
//! nobody fights over must not wait for one that is fought over.

use std::collections::HashMap;
use std::time::Duration;

use capstan_model::ObjectId;
use tokio::time::Instant;

/// So many repairs of an object are made at once; what drifts on is put right ever more slowly.
const PROMPT: u32 = 3;
/// The pause after the first repair that is not made at once; each later one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// An object that was quiet for so long, and for twice its pause, starts anew.
const QUIET: Duration = Duration::from_secs(60);

/// The objects of a unit that were repaired lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace(HashMap<ObjectId, Repairs>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Repairs {
    count: u32,
    last: Instant,
}

impl Repairs {
    fn pause(self) -> Duration {
        let doublings = self.count.checked_sub(PROMPT).map(|doublings| doublings.min(16));
        doublings.map_or(Duration::ZERO, |doublings| FIRST_PAUSE * (1 << doublings))
    }

    /// Whoever fights comes back as soon as a repair is made, so the time between two is hardly more than the pause.
    fn is_over(self) -> bool {
        self.last.elapsed() >= QUIET.max(2 * self.pause())
    }
}

impl Pace {
    /// How long the repair of these has to wait, at most `longest`; nothing when that of one may be made now.
    pub(super) fn wait(&self, drifted: &[ObjectId], longest: Duration) -> Option<Duration> {
        let left = |id: &ObjectId| {
            let repairs = self.0.get(id)?;
            repairs.pause().min(longest).checked_sub(repairs.last.elapsed())
        };
        let soonest = drifted.iter().map(|id| left(id).unwrap_or_default()).min();
        soonest.filter(|wait| !wait.is_zero())
    }

    /// These were repaired.
    pub(super) fn repaired<'a>(&mut self, ids: impl Iterator<Item = &'a ObjectId>) {
        self.0.retain(|_, repairs| !repairs.is_over());
        let last = Instant::now();
        for id in ids {
            let count = self.0.get(id).map_or(0, |repairs| repairs.count).saturating_add(1);
            self.0.insert(id.clone(), Repairs { count, last });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use capstan_model::ObjectId;
    use tokio::time::advance;

    use super::{Pace, QUIET};

    const LONGEST: Duration = Duration::from_secs(600);

    fn id(name: &str) -> ObjectId {
        let (kind, namespace, name) = ("ConfigMap".into(), "n".into(), name.into());
        ObjectId { group: String::new(), kind, namespace, name }
    }

    #[tokio::test(start_paused = true)]
    async fn a_fight_slows_down_and_quiet_is_forgiven() {
        let (mut pace, one) = (Pace::default(), [id("fought")]);
        for _ in 0..3 {
            assert_eq!(pace.wait(&one, LONGEST), None);
            pace.repaired(one.iter());
        }
        assert_eq!(pace.wait(&one, LONGEST), Some(Duration::from_secs(1)));
        pace.repaired(one.iter());
        assert_eq!(pace.wait(&one, LONGEST), Some(Duration::from_secs(2)));
        advance(Duration::from_secs(2)).await;
        assert_eq!(pace.wait(&one, LONGEST), None);
        for _ in 0..40 {
            pace.repaired(one.iter());
        }
        assert_eq!(pace.wait(&one, LONGEST), Some(LONGEST));
        advance(Duration::from_secs(1 << 18)).await;
        pace.repaired(one.iter());
        assert_eq!(pace.wait(&one, LONGEST), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_edit_now_and_then_is_no_fight() {
        let (mut pace, one) = (Pace::default(), [id("edited")]);
        for _ in 0..100 {
            assert_eq!(pace.wait(&one, LONGEST), None);
            pace.repaired(one.iter());
            advance(QUIET).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_fight_over_one_object_holds_up_no_other() {
        let (mut pace, fought) = (Pace::default(), id("fought"));
        for _ in 0..10 {
            pace.repaired(std::iter::once(&fought));
        }
        assert!(pace.wait(std::slice::from_ref(&fought), LONGEST).is_some());
        assert_eq!(pace.wait(&[fought, id("other")], LONGEST), None);
    }
}
