//! An HTTP proxy before an API server that loses answers, refuses, breaks connections and watches, and notes what is asked.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

type Error = Box<dyn std::error::Error + Send + Sync>;
type AnyBody = UnsyncBoxBody<Bytes, Error>;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with a status, and with `Retry-After` in seconds.
    Refused(u16, Option<u64>),
    /// The connection is closed before anything is done.
    Reset,
    /// It is carried out, and the connection is closed before the answer.
    Lost,
    /// Nothing is done or said, until [`FaultProxy::mend`]: then the connection is closed.
    Silence,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// What was injected.
    pub fault: Option<Fault>,
}

impl Seen {
    /// May it change something?
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// Is it a watch?
    pub fn watches(&self) -> bool {
        self.path.contains("watch=true")
    }
}

type Matches = Box<dyn Fn(&Seen) -> bool + Send + Sync>;

struct Rule {
    matches: Matches,
    fault: Fault,
    left: usize,
}

struct State {
    upstream: Client,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<Seen>>,
    /// Counts how often watches were cut and silence was ended.
    epoch: watch::Sender<u64>,
}

/// A proxy before an API server. Whoever comes through it is who the client is. It ends when it is dropped.
pub struct FaultProxy {
    address: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultProxy {
    /// Starts a proxy that does nothing but pass on.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(upstream: Client) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free TCP port")?;
        let address = listener.local_addr().context("a listener without an address")?.to_string();
        let (rules, seen) = (Mutex::default(), Mutex::default());
        let state = Arc::new(State { upstream, rules, seen, epoch: watch::Sender::new(0) });
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// Writes a kubeconfig that leads through the proxy.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(&self, folder: &Path) -> Result<PathBuf> {
        let server = format!("http://{}", self.address);
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "faults",
            "clusters": [{"name": "faults", "cluster": {"server": server}}],
            "contexts": [{"name": "faults", "context": {"cluster": "faults", "user": "faults"}}],
            "users": [{"name": "faults", "user": {}}]});
        let file = folder.join("faults.kubeconfig");
        std::fs::write(&file, config.to_string()).with_context(|| file.display().to_string())?;
        Ok(file)
    }

    /// The next so many requests that match have this fault. Earlier rules come first.
    pub fn inject(
        &self,
        fault: Fault,
        times: usize,
        matches: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) {
        lock(&self.state.rules).push(Rule { matches: Box::new(matches), fault, left: times });
    }

    /// No fault is injected any more, and who waits in silence is hung up on.
    pub fn mend(&self) {
        lock(&self.state.rules).clear();
        self.cut_watches();
    }

    /// Ends the watches that go on now.
    pub fn cut_watches(&self) {
        self.state.epoch.send_modify(|epoch| *epoch += 1);
    }

    /// How many faults are still to come.
    pub fn left(&self) -> usize {
        lock(&self.state.rules).iter().map(|rule| rule.left).sum()
    }

    /// All that came since the last call.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *lock(&self.state.seen))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("because no holder of this lock can panic")
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(connection(socket, Arc::clone(&state)));
    }
}

async fn connection(socket: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| pass(request, Arc::clone(&state)));
    let server = hyper::server::conn::http1::Builder::new();
    // An error of the service closes the connection without an answer: that is what it is for.
    let _ = server.serve_connection(TokioIo::new(socket), service).await;
}

impl State {
    fn fate(&self, method: &str, path: &str) -> Seen {
        let mut seen = Seen { method: method.to_owned(), path: path.to_owned(), fault: None };
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| rule.left > 0 && (rule.matches)(&seen));
        seen.fault = rule.map(|rule| {
            rule.left -= 1;
            rule.fault
        });
        lock(&self.seen).push(seen.clone());
        seen
    }
}

async fn pass(request: Request<Incoming>, state: Arc<State>) -> Result<Response<AnyBody>, Error> {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut epoch = state.epoch.subscribe();
    let seen = state.fate(request.method().as_str(), &path);
    match seen.fault {
        Some(Fault::Refused(code, after)) => return refused(code, after),
        Some(Fault::Reset) => return Err("the connection is reset".into()),
        Some(Fault::Silence) => {
            let _ = epoch.changed().await;
            return Err("the silence ends".into());
        }
        Some(Fault::Lost) | None => {}
    }
    let answer = send(&state, request, &path).await?;
    let (mut parts, body) = answer.into_parts();
    if seen.fault == Some(Fault::Lost) {
        let _ = body.collect().await;
        return Err("the answer is lost".into());
    }
    parts.headers.remove(http::header::TRANSFER_ENCODING);
    let body = if seen.watches() {
        until_cut(body, epoch)
    } else {
        body.map_err(Into::into).boxed_unsync()
    };
    Ok(Response::from_parts(parts, body))
}

async fn send(
    state: &State,
    request: Request<Incoming>,
    path: &str,
) -> Result<Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut onward = Request::builder().method(parts.method).uri(path);
    let kept = parts.headers.iter().filter(|(name, _)| *name != http::header::HOST);
    for (name, value) in kept {
        onward = onward.header(name, value);
    }
    Ok(state.upstream.send(onward.body(Body::from(body.to_vec()))?).await?)
}

/// A body that breaks off when watches are cut.
fn until_cut(body: Body, mut epoch: watch::Receiver<u64>) -> AnyBody {
    let cut = async move {
        let _ = epoch.changed().await;
    };
    let frames = BodyStream::new(body).map(|frame| frame.map_err(Into::into));
    let broken = futures::stream::once(async { Err("the watch is cut".into()) });
    let frames: BoxStream<'static, Result<Frame<Bytes>, Error>> =
        frames.take_until(cut).chain(broken).boxed();
    StreamBody::new(frames).boxed_unsync()
}

fn refused(code: u16, after: Option<u64>) -> Result<Response<AnyBody>, Error> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "this was injected", "reason": "Injected", "code": code});
    let mut answer = Response::builder().status(code).header("content-type", "application/json");
    if let Some(seconds) = after {
        answer = answer.header("retry-after", seconds);
    }
    let body = Full::new(Bytes::from(status.to_string()));
    let body = body.map_err(|never: Infallible| match never {}).boxed_unsync();
    Ok(answer.body(body)?)
}
