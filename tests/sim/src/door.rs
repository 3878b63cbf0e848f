use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Bytes;
use kube::client::Body;
use tower::{BoxError, Service};

use crate::api::{Answer, Asked, Refusal, Verb};
use crate::chance::Chance;
use crate::shared::Shared;
use crate::watch::watch;

/// How often what goes wrong: once in so many requests, never when zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The request was carried out, and its answer got lost.
    pub lost: usize,
    /// It is refused: 429, 500, 503.
    pub refused: usize,
    /// The connection breaks before anything happens.
    pub reset: usize,
    /// Nothing happens, and nobody says so, until the client gives up.
    pub hang: usize,
    /// The process dies, before or after what was asked is done.
    pub crash: usize,
    /// So often a process may die.
    pub crashes: u32,
    /// A list is old.
    pub stale: usize,
    /// A watch is cut, says nothing more, is late, or begins too early.
    pub watch: usize,
}

/// Where exactly the process dies, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// The number of the request, counted from zero.
    pub request: u64,
    /// Only requests that write are counted.
    pub of_writes: bool,
    /// Is it carried out?
    pub after: bool,
}

/// The way from one process of the agent to the API server, as a service.
#[derive(Clone)]
pub struct Door {
    pub(crate) shared: Shared,
    life: u64,
}

pub(crate) type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

/// What becomes of a request.
#[derive(Clone, Debug, Default)]
struct Fate {
    /// On its way there, and back.
    there: Duration,
    back: Duration,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost,
    Refused(u16, Option<u64>),
    Reset,
    Hang,
    CrashBefore,
    CrashAfter,
    Stale(u64),
    Watch(WatchFault),
}

/// What becomes of a watch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WatchFault {
    /// It ends after a time.
    Cut(Duration),
    /// After a time nothing is told any more.
    Stall(Duration),
    /// Everything comes late.
    Late(Duration),
    /// What came after the version is forgotten.
    Expired(Duration),
}

/// How long a client waits in silence.
const PATIENCE: Duration = Duration::from_secs(300);

impl Door {
    /// The way for a process.
    pub(crate) const fn new(shared: Shared, life: u64) -> Self {
        Self { shared, life }
    }

    async fn pass(self, request: Request<Body>) -> Result<Response<AnyBody>, BoxError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let header =
            |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let (asked, fate) = {
            let world = self.shared.world();
            let head = (&parts.method, &parts.uri, header("content-type"), header("accept"));
            let asked = Asked::read(&world.store.kinds, head, &body);
            drop(world);
            let fate = self.fate(&asked);
            (asked, fate)
        };
        tokio::time::sleep(fate.there).await;
        self.alive().await;
        if let Some(fault) = fate.fault {
            let line = format!("fault {fault:?} at {:?} {}", asked.verb, asked.path);
            self.shared.world().note(&line);
        }
        match fate.fault {
            Some(Fault::Refused(code, after)) => return Ok(refused(code, after)),
            Some(Fault::Reset) => return Err("connection reset by peer".into()),
            Some(Fault::Hang) => {
                tokio::time::sleep(PATIENCE).await;
                return Err("the connection timed out".into());
            }
            Some(Fault::CrashBefore) => {
                self.shared.crash(&format!("before {:?} {}", asked.verb, asked.path));
                self.alive().await;
            }
            _ => {}
        }
        let now = self.shared.world().store.version();
        let version = match fate.fault {
            Some(Fault::Stale(back)) => now.saturating_sub(back).max(1),
            _ => now,
        };
        if asked.verb == Verb::Watch && asked.key.is_some() {
            let fault = match fate.fault {
                Some(Fault::Watch(fault)) => Some(fault),
                _ => None,
            };
            return Ok(watch(self, asked, fault));
        }
        let answer = self.shared.serve(&asked, version);
        match fate.fault {
            Some(Fault::Lost) => {
                tokio::time::sleep(fate.back).await;
                return Err("connection closed before message completed".into());
            }
            Some(Fault::CrashAfter) => {
                self.shared.crash(&format!("after {:?} {}", asked.verb, asked.path));
            }
            _ => {}
        }
        self.alive().await;
        tokio::time::sleep(fate.back).await;
        self.alive().await;
        Ok(response(&answer, None))
    }

    /// Goes on for as long as the process lives.
    pub(crate) async fn alive(&self) {
        if !self.shared.is_alive(self.life) {
            std::future::pending::<()>().await;
        }
    }

    /// What becomes of a request is decided by what is asked, and by how often that was asked before.
    fn fate(&self, asked: &Asked) -> Fate {
        let is_faulty = self.shared.is_faulty();
        let mut world = self.shared.world();
        let name = format!("{:?} {} {}", asked.verb, asked.path, asked.is_status);
        let count = world.asked.entry(name.clone()).or_default();
        *count += 1;
        let mut chance = Chance::of(self.shared.seed(), (&name, *count));
        let (request, write) = (world.requests, world.writes);
        world.requests += 1;
        world.writes += u64::from(asked.verb.writes());
        let mut fate = Fate {
            there: Duration::from_millis(chance.below(10) as u64),
            back: Duration::from_millis(chance.below(10) as u64),
            fault: None,
        };
        let counted = |point: &CrashPoint| {
            if point.of_writes {
                asked.verb.writes() && point.request == write
            } else {
                point.request == request
            }
        };
        if let Some(point) = world.point.filter(counted) {
            world.point = None;
            fate.fault = Some(if point.after { Fault::CrashAfter } else { Fault::CrashBefore });
        } else if is_faulty {
            let may_crash = world.crashes < world.faults.crashes;
            fate.fault = fault(&world.faults, asked, may_crash, &mut chance);
        }
        fate
    }
}

fn fault(faults: &Faults, asked: &Asked, may_crash: bool, chance: &mut Chance) -> Option<Fault> {
    let millis = |chance: &mut Chance, end| Duration::from_millis(chance.below(end) as u64);
    if chance.one_in(faults.reset) {
        return Some(Fault::Reset);
    }
    if chance.one_in(faults.refused) {
        let after = chance.one_in(2).then(|| 1 + chance.below(5) as u64);
        return Some(Fault::Refused(*chance.pick(&[429, 500, 503, 504]), after));
    }
    if chance.one_in(faults.hang) {
        return Some(Fault::Hang);
    }
    if asked.verb.writes() && chance.one_in(faults.lost) {
        return Some(Fault::Lost);
    }
    if asked.verb.writes() && may_crash && chance.one_in(faults.crash) {
        return Some(if chance.one_in(2) { Fault::CrashBefore } else { Fault::CrashAfter });
    }
    if asked.verb == Verb::List && chance.one_in(faults.stale) {
        return Some(Fault::Stale(1 + chance.below(30) as u64));
    }
    if asked.verb == Verb::Watch && chance.one_in(faults.watch) {
        return Some(Fault::Watch(match chance.below(4) {
            0 => WatchFault::Cut(millis(chance, 20_000)),
            1 => WatchFault::Stall(millis(chance, 20_000)),
            2 => WatchFault::Late(millis(chance, 5_000)),
            _ => WatchFault::Expired(millis(chance, 20_000)),
        }));
    }
    None
}

impl Service<Request<Body>> for Door {
    type Response = Response<AnyBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().pass(request))
    }
}

fn refused(code: u16, after: Option<u64>) -> Response<AnyBody> {
    let reason = match code {
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    response(&Refusal::new(code, reason, "the server is in trouble").into(), after)
}

fn response(answer: &Answer, retry_after: Option<u64>) -> Response<AnyBody> {
    let mut builder =
        Response::builder().status(answer.code).header("content-type", "application/json");
    if let Some(seconds) = retry_after {
        builder = builder.header("retry-after", seconds);
    }
    let body = http_body_util::Full::new(Bytes::from(answer.body.to_string()));
    let body = body.map_err(|never: Infallible| match never {}).boxed_unsync();
    builder.body(body).expect("a status and headers that fit")
}
