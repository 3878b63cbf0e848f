use std::collections::HashMap;
use std::time::Duration;

use capstan_model::NamespacedName;

/// Requests that a Receiver may get at once.
const BURST: f64 = 60.0;
/// Requests a second that it may get for long. Each costs the API server a few calls.
const PER_SECOND: f64 = 5.0;
/// Receivers that are remembered; the one that was quiet for longest is forgotten first.
const RECEIVERS: usize = 4096;

/// How often each Receiver was called: a token bucket for each.
#[derive(Debug, Default)]
pub struct Rates {
    buckets: HashMap<NamespacedName, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl Rates {
    /// May a Receiver be called now? `now` counts from any fixed moment.
    ///
    /// # Errors
    /// When it was called too often; with the time after which it may be called again.
    pub fn take(&mut self, receiver: &NamespacedName, now: Duration) -> Result<(), Duration> {
        self.make_room(receiver);
        let bucket =
            self.buckets.entry(receiver.clone()).or_insert(Bucket { left: BURST, at: now });
        let since = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.left = BURST.min(bucket.left + since * PER_SECOND);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / PER_SECOND));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    fn make_room(&mut self, receiver: &NamespacedName) {
        if self.buckets.len() < RECEIVERS || self.buckets.contains_key(receiver) {
            return;
        }
        let quietest = self.buckets.iter().min_by_key(|(_, bucket)| bucket.at);
        if let Some(quietest) = quietest.map(|(name, _)| name.clone()) {
            self.buckets.remove(&quietest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, RECEIVERS, Rates};
    use capstan_model::NamespacedName;
    use std::time::Duration;

    #[test]
    fn a_burst_is_let_through_and_then_a_trickle() {
        let (mut rates, name) = (Rates::default(), NamespacedName::new("n", "a"));
        let at = Duration::from_secs(100);
        let through = (0..200).filter(|_| rates.take(&name, at).is_ok()).count();
        assert!((through as f64 - BURST).abs() < f64::EPSILON, "{through}");
        let wait = rates.take(&name, at).expect_err("too many");
        assert!(rates.take(&name, at + wait).is_ok(), "after {wait:?}");
        assert!(rates.take(&NamespacedName::new("n", "b"), at).is_ok(), "others are not held back");
    }

    #[test]
    fn memory_is_bounded() {
        let mut rates = Rates::default();
        for second in 0..2 * RECEIVERS {
            let name = NamespacedName::new("n", second.to_string());
            let _ = rates.take(&name, Duration::from_secs(second as u64));
        }
        assert_eq!(rates.buckets.len(), RECEIVERS);
    }
}
