use std::time::{Duration, Instant};

/// A token bucket that learns the quota: a throttle halves its rate, answers let it grow again.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Calls a second.
    rate: f64,
    highest: f64,
    burst: f64,
    /// May be negative: calls that are already promised a time.
    tokens: f64,
    filled: Instant,
    slowed: Option<Instant>,
}

/// Never slower than one call in two seconds, or nothing would ever show that the throttle has ended.
const LOWEST: f64 = 0.5;
/// Share of the highest rate that an answer gives back.
const RECOVERY: f64 = 0.01;
/// Throttles of calls that were under way together count once.
const SAME_BURST: Duration = Duration::from_millis(500);

impl Bucket {
    pub(crate) const fn new(rate: f64, burst: f64, now: Instant) -> Self {
        Self { rate, highest: rate, burst, tokens: burst, filled: now, slowed: None }
    }

    /// Takes a token and says how long to wait for it.
    pub(crate) fn take(&mut self, now: Instant) -> Duration {
        self.fill(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-self.tokens / self.rate)
        }
    }

    /// The service asked for fewer calls.
    pub(crate) fn throttled(&mut self, now: Instant) {
        self.fill(now);
        if self.slowed.is_some_and(|at| now.duration_since(at) < SAME_BURST) {
            return;
        }
        self.slowed = Some(now);
        self.rate = (self.rate / 2.0).max(LOWEST);
        self.tokens = self.tokens.min(0.0);
    }

    /// The service answered.
    pub(crate) fn answered(&mut self) {
        self.rate = (self.rate + self.highest * RECOVERY).min(self.highest);
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * self.rate).min(self.burst);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use std::time::{Duration, Instant};

    #[test]
    fn a_burst_is_free_and_the_rest_is_spread() {
        let now = Instant::now();
        let mut bucket = Bucket::new(10.0, 2.0, now);
        let waits: Vec<_> = (0..4).map(|_| bucket.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 100, 200]);
        assert_eq!(bucket.take(now + Duration::from_secs(9)), Duration::ZERO);
    }

    #[test]
    fn throttles_slow_it_down_and_answers_speed_it_up() {
        let now = Instant::now();
        let mut bucket = Bucket::new(10.0, 1.0, now);
        bucket.throttled(now);
        bucket.throttled(now);
        assert_eq!(bucket.take(now).as_millis(), 200);
        for _ in 0..100 {
            bucket.answered();
        }
        let later = now + Duration::from_secs(60);
        bucket.take(later);
        assert_eq!(bucket.take(later).as_millis(), 100);
    }
}
