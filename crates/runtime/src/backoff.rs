use std::time::Duration;

/// Exponential backoff with jitter, as a pure function of the attempt and a seed.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Delay after the first failure.
    pub first: Duration,
    /// No delay is longer than this.
    pub longest: Duration,
}

impl Backoff {
    /// Flux's `--min-retry-delay` and `--max-retry-delay`: 750 ms to 15 min, cut to 1 min because a watch wakes us earlier.
    pub const STANDARD: Self =
        Self { first: Duration::from_millis(750), longest: Duration::from_secs(60) };

    /// The delay before the next try; `attempt` counts failures from 0, `seed` in 0..=1 spreads the last fifth.
    pub fn delay(&self, attempt: u32, seed: f64) -> Duration {
        // 2^16 times any sensible first delay is past any longest one.
        let factor = 1_u32 << attempt.min(16);
        let full = self.first.saturating_mul(factor).min(self.longest);
        full.mul_f64(0.8 + 0.2 * seed.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn doubles_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(10) };
        let delays: Vec<_> = (0..6).map(|n| backoff.delay(n, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.delay(0, 0.0), Duration::from_millis(800));
        assert_eq!(backoff.delay(u32::MAX, 1.0), Duration::from_secs(10));
    }
}
