use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kube::client::retry::RetryPolicy;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tower::Layer as _;
use tower::retry::RetryLayer;

use crate::api::{Asked, Change, Key, Store, Write};
use crate::door::{CrashPoint, Door, Faults};
use crate::judge::Judge;

/// The cluster, and all that outlives the agent's process. Cheap to clone.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    seed: u64,
    world: Mutex<World>,
    version: watch::Sender<u64>,
    /// How many processes of the agent there were: requests of an earlier one are never answered.
    life: AtomicU64,
    crashed: Notify,
    faulty: AtomicBool,
}

/// What one lock guards.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) judge: Judge,
    pub(crate) faults: Faults,
    pub(crate) point: Option<CrashPoint>,
    /// How often each thing was asked.
    pub(crate) asked: BTreeMap<String, u64>,
    pub(crate) requests: u64,
    pub(crate) writes: u64,
    pub(crate) crashes: u32,
    /// The last things that happened, for whoever reads of a failure.
    pub(crate) log: VecDeque<String>,
    /// The time when the current process began.
    begin: Duration,
    began: Option<Instant>,
}

/// So many lines are told of a failure.
const LINES: usize = 400;

impl World {
    /// The time since the beginning of everything.
    pub(crate) fn now(&self) -> Duration {
        self.begin + self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// Notes what happened.
    pub(crate) fn note(&mut self, line: &str) {
        let now = self.now().as_secs_f64();
        self.log.push_back(format!("{now:10.3} {line}"));
        if self.log.len() > LINES {
            self.log.pop_front();
        }
    }
}

impl Shared {
    /// An empty cluster under a seed.
    pub(crate) fn new(seed: u64, judge: Judge, faults: Faults, point: Option<CrashPoint>) -> Self {
        let world = World {
            store: Store::default(),
            judge,
            faults,
            point,
            asked: BTreeMap::new(),
            requests: 0,
            writes: 0,
            crashes: 0,
            log: VecDeque::new(),
            begin: Duration::ZERO,
            began: None,
        };
        Self(Arc::new(Inner {
            seed,
            world: Mutex::new(world),
            version: watch::Sender::new(0),
            life: AtomicU64::new(0),
            crashed: Notify::new(),
            faulty: AtomicBool::new(true),
        }))
    }

    /// A cluster without faults, in which there is nothing but a namespace.
    pub fn quiet() -> Self {
        let judge = Judge::new(Arc::default());
        let shared = Self::new(0, judge, Faults::default(), None);
        let key = shared.key("Namespace", "", crate::NAMESPACE);
        let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace"});
        shared.write(&key, "a-user", false, Change::Create(&namespace));
        shared
    }

    /// A client of a process that begins now. It retries what kube's clients retry.
    pub fn client(&self) -> kube::Client {
        let door = Door::new(self.clone(), self.begin());
        let retry = RetryLayer::new(RetryPolicy::server_retry());
        kube::Client::new(retry.layer(door), "default")
    }

    pub(crate) fn seed(&self) -> u64 {
        self.0.seed
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().expect("no holder of this lock can panic")
    }

    /// Tells the watches what was stored meanwhile, and the time to the store.
    pub(crate) fn tell(&self) {
        let version = self.world().store.version();
        self.0.version.send_if_modified(|told| std::mem::replace(told, version) != version);
    }

    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    /// A new process begins; the number of it.
    pub(crate) fn begin(&self) -> u64 {
        self.world().began = Some(Instant::now());
        self.0.life.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The process is over: its clock stands.
    pub(crate) fn end(&self) {
        let mut world = self.world();
        world.begin = world.now();
        world.began = None;
        self.0.life.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn is_alive(&self, life: u64) -> bool {
        self.0.life.load(Ordering::SeqCst) == life
    }

    /// The process dies now.
    pub(crate) fn crash(&self, why: &str) {
        let mut world = self.world();
        world.crashes += 1;
        world.note(&format!("CRASH {why}"));
        self.0.life.fetch_add(1, Ordering::SeqCst);
        self.0.crashed.notify_one();
    }

    pub(crate) async fn crashed(&self) {
        self.0.crashed.notified().await;
    }

    pub(crate) fn set_faulty(&self, faulty: bool) {
        self.0.faulty.store(faulty, Ordering::SeqCst);
    }

    pub(crate) fn is_faulty(&self) -> bool {
        self.0.faulty.load(Ordering::SeqCst)
    }

    /// Somebody else than the agent changes an object; what is refused was not to be.
    pub(crate) fn write(
        &self,
        key: &Key,
        manager: &str,
        is_status: bool,
        change: Change<'_>,
    ) -> Option<Value> {
        let write = Write { manager, is_status, dry_run: false, change };
        let stored = {
            let mut world = self.world();
            world.store.seconds = world.now().as_secs();
            let stored = world.store.write(key, &write);
            if !is_status {
                let outcome =
                    stored.as_ref().map(|_| ()).map_err(|refusal| refusal.message.clone());
                world.note(&format!("{manager} wrote {}/{} {outcome:?}", key.1, key.2));
            }
            stored.ok().map(|(_, object)| (*object).clone())
        };
        self.tell();
        stored
    }

    /// Somebody else than the agent deletes an object.
    pub(crate) fn delete(&self, key: &Key) {
        let mut world = self.world();
        world.store.seconds = world.now().as_secs();
        let gone = world.store.delete(key, &Value::Null).is_ok();
        world.note(&format!("somebody deleted {}/{}: {gone}", key.1, key.2));
        drop(world);
        self.tell();
    }

    /// Where an object of a kind is.
    pub(crate) fn key(&self, kind: &str, namespace: &str, name: &str) -> Key {
        (self.world().store.kind(kind), namespace.to_owned(), name.to_owned())
    }

    /// Answers a request of the agent, and judges it.
    pub(crate) fn serve(&self, asked: &Asked, version: u64) -> crate::api::Answer {
        let answer = {
            let mut world = self.world();
            let world = &mut *world;
            world.store.seconds = world.now().as_secs();
            let before = asked.key.as_ref().and_then(|key| world.store.find(key)).cloned();
            world.judge.before(&world.store, asked);
            let answer = world.store.answer(asked, version);
            if asked.verb.writes() {
                let line =
                    format!("{:?} {} {} → {}", asked.verb, asked.path, told(asked), answer.code);
                world.note(&line);
                world.judge.after(&world.store, asked, before.as_deref(), &answer);
            }
            answer
        };
        self.tell();
        answer
    }
}

/// What a write says, in short.
fn told(asked: &Asked) -> String {
    let status = &asked.body["status"];
    if status.is_object() {
        let ready = status["conditions"].as_array().into_iter().flatten();
        let ready: Vec<String> = ready
            .map(|c| format!("{}={}/{}: {}", c["type"], c["status"], c["reason"], c["message"]))
            .collect();
        let text = |field: &str| {
            status[field]
                .as_str()
                .unwrap_or_default()
                .trim_start_matches("main@sha1:0")
                .trim_start_matches('0')
                .to_owned()
        };
        let entries = status["inventory"]["entries"].as_array().map_or(0, Vec::len);
        let (applied, attempted) = (text("lastAppliedRevision"), text("lastAttemptedRevision"));
        return format!(
            "applied {applied} attempted {attempted} entries {entries} {}",
            ready.join(" ")
        );
    }
    let short = asked.body.get("data").or(asked.body.get("spec"));
    let short = short.map(Value::to_string).unwrap_or_default();
    short.chars().take(160).collect()
}
