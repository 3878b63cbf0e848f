use std::fmt::Error;
use std::sync::{Arc, Mutex};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::Queue;
use crate::queue::Load;

/// One figure of a queue.
type CountOf = fn(&Load) -> u64;

/// How many objects of a kind are in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectCount {
    /// Their kind.
    pub kind: &'static str,
    /// Status of their condition Ready: `True`, `False` or `Unknown`.
    pub ready: &'static str,
    /// Is `spec.suspend` true?
    pub suspended: bool,
    /// How many.
    pub count: usize,
}

/// Who counts objects.
pub(super) type Source = Box<dyn Fn() -> Vec<ObjectCount> + Send + Sync>;

struct Watched {
    controller: &'static str,
    concurrent: usize,
    load: Box<dyn Fn() -> Load + Send + Sync>,
    waited: Histogram,
}

/// A gauge of a queue: name, help, whether the queue is named beside its controller, and the value.
type OfQueue = (&'static str, &'static str, bool, fn(&Watched, &Load) -> usize);

/// The queues of a process.
#[derive(Clone, Default)]
pub(super) struct Queues(Arc<Mutex<Vec<Watched>>>);

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queues")
    }
}

impl Queues {
    pub(super) fn add<K>(&self, controller: &'static str, concurrent: usize, queue: Queue<K>)
    where
        K: Eq + std::hash::Hash + Clone + std::fmt::Debug + Send + 'static,
    {
        let waited = queue.waited().clone();
        let load = Box::new(move || queue.load());
        let mut queues = self.0.lock().expect("no holder of this lock can panic");
        queues.push(Watched { controller, concurrent, load, waited });
    }
}

/// What is looked up when somebody asks.
pub(super) struct Gathered {
    queues: Queues,
    counts: Arc<Mutex<Vec<Source>>>,
}

impl std::fmt::Debug for Gathered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gathered")
    }
}

impl Gathered {
    pub(super) const fn new(queues: Queues, counts: Arc<Mutex<Vec<Source>>>) -> Self {
        Self { queues, counts }
    }

    fn encode_queues(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let queues = self.queues.0.lock().map_err(|_| Error)?;
        let loads: Vec<(&Watched, Load)> =
            queues.iter().map(|queue| (queue, (queue.load)())).collect();
        let gauges: [OfQueue; 3] = [
            ("workqueue_depth", "Current depth of workqueue", true, |_, load| load.due),
            (
                "controller_runtime_active_workers",
                "Number of currently used workers per controller",
                false,
                |_, load| load.running,
            ),
            (
                "controller_runtime_max_concurrent_reconciles",
                "Maximum number of concurrent reconciles per controller",
                false,
                |queue, _| queue.concurrent,
            ),
        ];
        for (name, help, is_queue, of) in gauges {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (queue, load) in &loads {
                let value = i64::try_from(of(queue, load)).unwrap_or(i64::MAX);
                let names = [("name", queue.controller), ("controller", queue.controller)];
                let labels = if is_queue { &names[..] } else { &names[1..] };
                ConstGauge::new(value).encode(metric.encode_family(&labels.to_vec())?)?;
            }
        }
        let counters: [(&str, &str, CountOf); 2] = [
            ("workqueue_adds", "Total number of adds handled by workqueue", |load| load.adds),
            ("workqueue_retries", "Total number of retries handled by workqueue", |load| {
                load.retries
            }),
        ];
        for (name, help, of) in counters {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (queue, load) in &loads {
                let labels = vec![("name", queue.controller), ("controller", queue.controller)];
                ConstCounter::new(of(load)).encode(metric.encode_family(&labels)?)?;
            }
        }
        let (name, help) = (
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
        );
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (queue, _) in &loads {
            let labels = vec![("name", queue.controller), ("controller", queue.controller)];
            queue.waited.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn encode_objects(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counts = self.counts.lock().map_err(|_| Error)?;
        let help = "Objects of a kind by their condition Ready";
        let mut metric =
            encoder.encode_descriptor("capstan_objects", help, None, MetricType::Gauge)?;
        for ObjectCount { kind, ready, suspended, count } in counts.iter().flat_map(|count| count())
        {
            let suspended = if suspended { "true" } else { "false" };
            let labels = vec![("kind", kind), ("ready", ready), ("suspended", suspended)];
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        self.encode_queues(&mut encoder)?;
        self.encode_objects(&mut encoder)?;
        encode_process(&mut encoder)
    }
}

/// What Linux says of this process; elsewhere nothing.
fn encode_process(encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes =
        resident.and_then(|text| text.trim().trim_end_matches(" kB").parse::<i64>().ok());
    let Some(kibibytes) = kibibytes else { return Ok(()) };
    let help = "Resident memory size in bytes";
    let metric = encoder.encode_descriptor(
        "process_resident_memory_bytes",
        help,
        None,
        MetricType::Gauge,
    )?;
    ConstGauge::new(kibibytes * 1024).encode(metric)
}
