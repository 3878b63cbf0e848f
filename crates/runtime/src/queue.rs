use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{Backoff, Stop};

/// What a reconciler wants after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing until somebody wakes the key.
    Wait,
    /// Another look after a time, or earlier when woken.
    After(Duration),
    /// The run failed: another try after a growing delay, or earlier when woken.
    Backoff,
}

/// How soon a key runs again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After failures.
    pub backoff: Backoff,
    /// Every other delay is made longer or shorter by up to this part of it, so that not all keys are due at once.
    pub jitter: f64,
}

impl Pace {
    /// The standard backoff, and delays as they are asked for.
    pub const STANDARD: Self = Self { backoff: Backoff::STANDARD, jitter: 0.0 };

    /// A delay, for a seed in 0..=1.
    fn spread(&self, delay: Duration, seed: f64) -> Duration {
        delay.mul_f64((1.0 + self.jitter * (2.0 * seed - 1.0)).max(0.0))
    }
}

/// A name for one run, unlike any other: a random UUID.
pub fn run_id() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// How busy a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Keys that are due and wait for a worker.
    pub(crate) due: usize,
    /// Keys that run.
    pub(crate) running: usize,
    /// How often keys were queued.
    pub(crate) adds: u64,
    /// How often keys were queued because they failed.
    pub(crate) retries: u64,
}

/// A queue of keys to reconcile.
///
/// Guarantees: one run a key at a time; a key that is woken while it runs, runs once more afterwards; of several delays
/// for a key the earliest counts; wakes carry no data, so none can be lost or stale. Keys that may come later get few workers
/// as long as others run, and all when none do.
#[derive(Debug)]
pub struct Queue<K> {
    shared: Arc<Shared<K>>,
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Shared<K> {
    state: Mutex<State<K>>,
    changed: Notify,
    /// Nothing runs, and nothing is due.
    idle: Notify,
    pace: Pace,
    /// For how many seconds keys were due before they ran.
    waited: Histogram,
}

#[derive(Debug)]
struct State<K> {
    entries: HashMap<K, Entry>,
    /// Due times of waiting keys, with a serial that keeps equal times in order of arrival.
    due: BTreeSet<(Instant, u64)>,
    /// The same of keys that may come later than others.
    due_later: BTreeSet<(Instant, u64)>,
    /// Running keys of either sort.
    running: usize,
    running_later: usize,
    by_serial: HashMap<u64, K>,
    serial: u64,
    retries: u64,
}

#[derive(Debug, Default)]
struct Entry {
    waiting: Option<(Instant, u64)>,
    /// May what waits come later than others?
    may_wait: bool,
    running: Option<Urgency>,
    failures: u32,
}

/// How soon a key that is due runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// As soon as a worker is free.
    Next,
    /// When no others are due.
    Later,
}

impl<K: Eq + Hash + Clone + Debug + Send + 'static> Default for Queue<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash + Clone + Debug + Send + 'static> Queue<K> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::paced(Pace::STANDARD)
    }

    /// An empty queue of a pace.
    pub fn paced(pace: Pace) -> Self {
        let state = State {
            entries: HashMap::new(),
            due: BTreeSet::new(),
            due_later: BTreeSet::new(),
            running: 0,
            running_later: 0,
            by_serial: HashMap::new(),
            serial: 0,
            retries: 0,
        };
        let waited = Histogram::new([0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]);
        let (state, changed, idle) = (Mutex::new(state), Notify::new(), Notify::new());
        Self { shared: Arc::new(Shared { state, changed, idle, pace, waited }) }
    }

    /// Runs the key as soon as a worker is free.
    pub fn wake(&self, key: K) {
        self.wake_at(key, Instant::now());
    }

    /// Runs the key after a delay, unless it is already due earlier.
    pub fn wake_after(&self, key: K, delay: Duration) {
        self.wake_at(key, Instant::now() + delay);
    }

    /// Runs the key as soon as a worker is free and no others are due.
    pub fn wake_later(&self, key: K) {
        if self.lock().schedule(key, Instant::now(), Urgency::Later) {
            self.shared.changed.notify_one();
        }
    }

    fn wake_at(&self, key: K, at: Instant) {
        if self.lock().schedule(key, at, Urgency::Next) {
            self.shared.changed.notify_one();
        }
    }

    pub(crate) fn load(&self) -> Load {
        let (state, now) = (self.lock(), Instant::now());
        Load {
            due: [&state.due, &state.due_later]
                .map(|due| due.range(..=(now, u64::MAX)).count())
                .iter()
                .sum(),
            running: state.running + state.running_later,
            adds: state.serial,
            retries: state.retries,
        }
    }

    /// Does no key run, and is none due?
    pub fn is_idle(&self) -> bool {
        let Load { due, running, .. } = self.load();
        due == 0 && running == 0
    }

    /// Waits until no key runs and none is due.
    pub async fn idle(&self) {
        loop {
            let mut idle = pin!(self.shared.idle.notified());
            idle.as_mut().enable();
            if self.is_idle() {
                return;
            }
            idle.await;
        }
    }

    pub(crate) fn waited(&self) -> &Histogram {
        &self.shared.waited
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.shared.state.lock().expect("no holder of the queue's lock can panic")
    }

    /// Reconciles keys until `stop`; runs that have begun are finished first. At most `concurrency` at a time.
    pub async fn run<F, Fut>(&self, concurrency: usize, stop: &Stop, reconcile: F)
    where
        F: Fn(K) -> Fut,
        Fut: Future<Output = Next> + Send + 'static,
    {
        let mut runs: JoinSet<(K, Next)> = JoinSet::new();
        let mut keys: HashMap<tokio::task::Id, K> = HashMap::new();
        while !stop.is_cancelled() {
            let now = Instant::now();
            while runs.len() < concurrency {
                let Some((key, since)) = self.lock().take_due(now, concurrency) else { break };
                self.shared.waited.observe(now.saturating_duration_since(since).as_secs_f64());
                let run = reconcile(key.clone());
                let named = key.clone();
                let handle = runs.spawn(async move { (named, run.await) });
                keys.insert(handle.id(), key);
            }
            let next_due =
                if runs.len() < concurrency { self.lock().next_due(concurrency) } else { None };
            tokio::select! {
                Some(ended) = runs.join_next_with_id() => match ended {
                    Ok((id, (key, next))) => {
                        keys.remove(&id);
                        self.finish(&key, next);
                    }
                    Err(failure) => {
                        if let Some(key) = keys.remove(&failure.id()) {
                            tracing::error!(?key, %failure, "reconcile panicked");
                            self.finish(&key, Next::Backoff);
                        }
                    }
                },
                () = self.shared.changed.notified() => {}
                () = sleep_until(next_due) => {}
                () = stop.cancelled() => {}
            }
        }
        while runs.join_next().await.is_some() {}
    }

    fn finish(&self, key: &K, next: Next) {
        self.lock().finish(key, next, (Instant::now(), self.shared.pace), rand::random());
        if self.is_idle() {
            self.shared.idle.notify_waiters();
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl<K: Eq + Hash + Clone> State<K> {
    /// Makes a key due; false when it is already due as early.
    fn schedule(&mut self, key: K, at: Instant, urgency: Urgency) -> bool {
        let entry = self.entries.entry(key.clone()).or_default();
        let may_wait = urgency == Urgency::Later;
        if let Some(waiting) = entry.waiting {
            if waiting.0 <= at && (may_wait || !entry.may_wait) {
                return false;
            }
            self.due.remove(&waiting);
            self.due_later.remove(&waiting);
            self.by_serial.remove(&waiting.1);
        }
        self.serial += 1;
        // What is due already stays as urgent as it is.
        let may_wait = may_wait && (entry.may_wait || entry.waiting.is_none_or(|w| w.0 > at));
        let at = entry.waiting.map_or(at, |waiting| waiting.0.min(at));
        (entry.waiting, entry.may_wait) = (Some((at, self.serial)), may_wait);
        // A key that runs becomes due again when its run ends, so that no key runs twice at once.
        if entry.running.is_none() {
            let due = if may_wait { &mut self.due_later } else { &mut self.due };
            due.insert((at, self.serial));
        }
        self.by_serial.insert(self.serial, key);
        true
    }

    /// A key that is due, and since when.
    fn take_due(&mut self, now: Instant, concurrency: usize) -> Option<(K, Instant)> {
        let is_due = |due: &BTreeSet<(Instant, u64)>| due.first().copied().filter(|d| d.0 <= now);
        let (first, urgency) = match is_due(&self.due) {
            Some(first) => (first, Urgency::Next),
            None if self.has_room_for_later(concurrency) => {
                (is_due(&self.due_later)?, Urgency::Later)
            }
            None => return None,
        };
        match urgency {
            Urgency::Next => (self.due.remove(&first), self.running += 1),
            Urgency::Later => (self.due_later.remove(&first), self.running_later += 1),
        };
        let key = self.by_serial.remove(&first.1).expect("every due serial has its key");
        let entry = self.entries.get_mut(&key).expect("every due key has its entry");
        entry.waiting = None;
        entry.running = Some(urgency);
        Some((key, first.0))
    }

    /// While others run, keys that may come later get an eighth of the workers: they must not take the API server's time, and
    /// one long run must not hold them up for ever.
    fn has_room_for_later(&self, concurrency: usize) -> bool {
        self.running == 0 || self.running_later < concurrency.div_ceil(8)
    }

    fn next_due(&self, concurrency: usize) -> Option<Instant> {
        let later = self.due_later.first().filter(|_| self.has_room_for_later(concurrency));
        [self.due.first(), later].into_iter().flatten().map(|(at, _)| *at).min()
    }

    fn finish(&mut self, key: &K, next: Next, (now, pace): (Instant, Pace), seed: f64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        match entry.running.take() {
            Some(Urgency::Next) => self.running -= 1,
            Some(Urgency::Later) => self.running_later -= 1,
            None => {}
        }
        let woken_meanwhile = entry.waiting.map(|waiting| (waiting, entry.may_wait));
        let delay = match next {
            Next::Wait => {
                entry.failures = 0;
                None
            }
            Next::After(delay) => {
                entry.failures = 0;
                Some(pace.spread(delay, seed))
            }
            Next::Backoff => {
                let delay = pace.backoff.delay(entry.failures, seed);
                entry.failures += 1;
                self.retries += 1;
                Some(delay)
            }
        };
        if let Some((waiting, may_wait)) = woken_meanwhile {
            let due = if may_wait { &mut self.due_later } else { &mut self.due };
            due.insert(waiting);
        } else if delay.is_none() {
            self.entries.remove(key);
        }
        if let Some(delay) = delay {
            self.schedule(key.clone(), now + delay, Urgency::Next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, Pace, Queue};
    use crate::Stop;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn intervals_are_spread_around_what_was_asked_for() {
        let pace = Pace { jitter: 0.05, ..Pace::STANDARD };
        let minute = Duration::from_secs(60);
        let spread = |seed| pace.spread(minute, seed).as_secs();
        assert_eq!([spread(0.0), spread(0.5), spread(1.0)], [57, 60, 63]);
        assert_eq!(Pace::STANDARD.spread(minute, 0.0), minute);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_says_how_busy_it_is() {
        let queue = Queue::new();
        queue.wake("a");
        queue.wake_after("b", Duration::from_secs(50));
        let load = queue.load();
        assert_eq!((load.due, load.running, load.adds, load.retries), (1, 0, 2, 0));
        runs_until(&queue, Duration::from_secs(1), |_| Next::Backoff).await;
        assert_eq!((queue.load().running, queue.load().retries > 0), (0, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_woken_many_times_runs_once() {
        let queue = Queue::new();
        for _ in 0..5 {
            queue.wake("a");
        }
        queue.wake_after("a", Duration::from_secs(9));
        assert_eq!(runs_until(&queue, Duration::from_secs(60), |_| Next::Wait).await, [("a", 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_delay_counts() {
        let queue = Queue::new();
        queue.wake_after("a", Duration::from_secs(50));
        queue.wake_after("a", Duration::from_secs(5));
        queue.wake_after("a", Duration::from_secs(20));
        assert_eq!(runs_until(&queue, Duration::from_secs(60), |_| Next::Wait).await, [("a", 5)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_key_backs_off_and_recovers() {
        let queue = Queue::new();
        queue.wake("a");
        let runs = runs_until(&queue, Duration::from_secs(30), |n| {
            if n < 3 { Next::Backoff } else { Next::After(Duration::from_secs(10)) }
        })
        .await;
        let times: Vec<_> = runs.iter().map(|(_, at)| *at).collect();
        assert!(times.len() >= 5, "{times:?}");
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_woken_while_it_runs_runs_again_afterwards() {
        let queue = Queue::new();
        queue.wake("a");
        let inner = queue.clone();
        let runs = runs_until(&queue, Duration::from_secs(30), move |n| {
            if n == 0 {
                inner.wake("a");
            }
            Next::Wait
        })
        .await;
        assert_eq!(runs.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_may_come_later_do() {
        let queue = Queue::new();
        queue.wake_after("c", Duration::from_secs(50));
        for key in ["c", "d", "e", "f", "g"] {
            queue.wake_later(key);
        }
        for key in ["a", "b"] {
            queue.wake(key);
        }
        queue.wake("e");
        queue.wake_later("a");
        let stop = Stop::new();
        let began = Arc::new(Mutex::new(Vec::new()));
        let order = Arc::clone(&began);
        let reconcile = move |key| {
            let order = Arc::clone(&order);
            async move {
                order.lock().expect("not poisoned").push((key, Instant::now()));
                tokio::time::sleep(Duration::from_secs(1)).await;
                Next::Wait
            }
        };
        let start = Instant::now();
        tokio::select! {
            () = queue.run(4, &stop, reconcile) => {}
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
        let began = began.lock().expect("not poisoned");
        let seconds = |(key, at): &(&'static str, Instant)| (*key, (*at - start).as_secs());
        let began: Vec<_> = began.iter().map(seconds).collect();
        assert_eq!(
            began,
            [("a", 0), ("b", 0), ("e", 0), ("c", 0), ("d", 1), ("f", 1), ("g", 1)],
            "one worker is left to what may come later, then all"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_of_that_key_alone() {
        let queue = Queue::new();
        queue.wake("a");
        let runs = runs_until(&queue, Duration::from_secs(30), |n| {
            assert!(n > 0, "the first run panics");
            Next::Wait
        })
        .await;
        assert_eq!(runs.len(), 2);
    }

    /// Runs the queue for a while of paused time; each run is recorded with its second.
    async fn runs_until(
        queue: &Queue<&'static str>,
        end: Duration,
        next: impl Fn(usize) -> Next + Send + Sync + 'static,
    ) -> Vec<(&'static str, u64)> {
        let start = Instant::now();
        let runs = Arc::new(Mutex::new(Vec::new()));
        let (stop, next) = (Stop::new(), Arc::new(next));
        let recorded = Arc::clone(&runs);
        let reconcile = move |key| {
            let (runs, next) = (Arc::clone(&recorded), Arc::clone(&next));
            async move {
                let count = {
                    let mut runs = runs.lock().expect("not poisoned");
                    runs.push((key, start.elapsed().as_secs()));
                    runs.len() - 1
                };
                next(count)
            }
        };
        tokio::select! {
            () = queue.run(4, &stop, reconcile) => {}
            () = tokio::time::sleep(end) => {}
        }
        let runs = runs.lock().expect("not poisoned");
        runs.clone()
    }
}
