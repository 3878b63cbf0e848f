//! The server: each request becomes a call, is checked, performed, logged and answered.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::access;
use super::directory::Directory;
use super::ec2::Ec2;
use super::eks::Eks;
use super::error::{self, AwsError, Reply};
use super::faults::{FaultKind, Faults};
use super::iam_edges::Iam;
use super::identity::{Caller, Identities};
use super::log::{Call as Logged, Log};
use super::moto::Moto;
use super::route::{Call, Wire};

/// AWS's commercial regions; a scope outside of them is refused as AWS refuses it.
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Everything behind the server.
pub(crate) struct State {
    pub(crate) account: String,
    pub(crate) moto: Arc<Moto>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) iam: Iam,
    pub(crate) ec2: Arc<Ec2>,
    pub(crate) eks: Arc<Eks>,
    pub(crate) log: Log,
    pub(crate) faults: Faults,
    /// Regions in which something was asked, for the inventory.
    pub(crate) regions: Mutex<BTreeSet<String>>,
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is dropped as a test asked")
    }
}

impl std::error::Error for Dropped {}

/// Serves connections until the task is aborted.
pub(crate) async fn run(listener: TcpListener, state: Arc<State>) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, state.clone()));
            }
            Err(error) => {
                tracing::warn!("the AWS stand-in cannot accept a connection: {error}");
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = state.clone();
        // A caller that goes away does not undo what AWS has begun.
        async move {
            match tokio::spawn(answer(state, request)).await {
                Ok(answer) => answer,
                Err(_) => Err(Dropped),
            }
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("a connection to the AWS stand-in ended: {error}");
    }
}

async fn answer(
    state: Arc<State>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Dropped> {
    let wire = match read(request).await {
        Ok(wire) => wire,
        Err(error) => return Ok(plain(400, &format!("{error:#}"))),
    };
    if let Some(path) = wire.path.strip_prefix("/tokenreview/") {
        return Ok(review(&state, path, &wire.body));
    }
    let Ok(call) = Call::read(wire) else {
        return Ok(plain(404, "this is no request of an AWS service that the stand-in knows"));
    };
    let reply = state.handle(&call).await.ok_or(Dropped)?;
    Ok(response(reply))
}

async fn read(request: hyper::Request<Incoming>) -> anyhow::Result<Wire> {
    let (head, body) = request.into_parts();
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.into())))
        .collect();
    Ok(Wire {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.collect().await.context("the request broke off")?.to_bytes().to_vec(),
    })
}

fn review(state: &State, path: &str, body: &[u8]) -> hyper::Response<Full<Bytes>> {
    let Some((region, cluster)) = path.split_once('/') else {
        return plain(404, "want /tokenreview/<region>/<cluster>");
    };
    match serde_json::from_slice::<Value>(body) {
        Ok(asked) => response(Reply::json(&state.eks.review(region, cluster, &asked))),
        Err(error) => plain(400, &format!("the TokenReview is not JSON: {error}")),
    }
}

impl State {
    /// Checks, performs and logs a call. `None`: the connection is to be dropped.
    pub(crate) async fn handle(&self, call: &Call) -> Option<Reply> {
        let at = Timestamp::now();
        if REGIONS.contains(&call.region.as_str()) {
            self.regions.lock().expect("because no holder panics").insert(call.region.clone());
        }
        let caller = self.caller(call, at);
        let arn = caller.as_ref().ok().and_then(|caller| caller.as_ref().map(|c| c.arn.as_str()));
        let fault = self.faults.take(&call.service, &call.action, arn);
        let outcome = match fault {
            Some(fault) => self.faulted(call, caller.clone(), fault, arn, at).await,
            None => self.perform(call, caller.clone(), at).await,
        };
        let reply = outcome.unwrap_or_else(|error| error.reply(&call.service));
        self.record(call, at, caller.ok().flatten(), &reply, fault);
        let lost = matches!(fault, Some(FaultKind::LoseResponse | FaultKind::LoseRequest));
        (!lost).then_some(reply)
    }

    /// The caller; none for the one action that is not signed.
    fn caller(&self, call: &Call, now: Timestamp) -> Result<Option<Caller>, AwsError> {
        if call.presented.is_none() {
            return Ok(None);
        }
        if !REGIONS.contains(&call.region.as_str()) {
            let why =
                format!("Credential should be scoped to a valid region, not '{}'.", call.region);
            return Err(error::bad_signature(&call.service, &why));
        }
        self.identities.authenticate(call, now).map(Some)
    }

    async fn faulted(
        &self,
        call: &Call,
        caller: Result<Option<Caller>, AwsError>,
        fault: FaultKind,
        arn: Option<&str>,
        at: Timestamp,
    ) -> Result<Reply, AwsError> {
        let service = call.service.as_str();
        match fault {
            FaultKind::Throttle => Err(error::throttled(service)),
            FaultKind::ServerError | FaultKind::LoseRequest => Err(error::server_error(service)),
            FaultKind::Deny => {
                let action = format!("{service}:{}", call.action);
                Err(error::denied(service, arn.unwrap_or("anonymous"), &action, "*"))
            }
            FaultKind::LoseResponse => self.perform(call, caller, at).await,
            FaultKind::Delay(delay) => {
                tokio::time::sleep(delay).await;
                self.perform(call, caller, at).await
            }
        }
    }

    async fn perform(
        &self,
        call: &Call,
        caller: Result<Option<Caller>, AwsError>,
        at: Timestamp,
    ) -> Result<Reply, AwsError> {
        match (caller?, call.service.as_str(), call.action.as_str()) {
            (_, "sts", "AssumeRoleWithWebIdentity") => {
                self.identities.assume_with_web_identity(&call.form, at).await
            }
            (Some(caller), "sts", "GetCallerIdentity") => {
                Ok(self.identities.caller_identity(&caller))
            }
            (Some(caller), "sts", "AssumeRole") => {
                self.authorize(call, &caller).await?;
                self.identities.assume(&call.form, &caller, at).await
            }
            (Some(caller), ..) => {
                self.authorize(call, &caller).await?;
                self.dispatch(call, &caller).await
            }
            (None, service, _) => Err(error::unknown_key(service)),
        }
    }

    async fn authorize(&self, call: &Call, caller: &Caller) -> Result<(), AwsError> {
        let role = match &caller.role {
            Some(name) => self.directory.role(name).await?,
            None => None,
        };
        // A role that was made again under the same name has another id: the session is void.
        let role = role.filter(|role| caller.user_id.starts_with(&format!("{}:", role.id)));
        access::check(call, caller, role.as_deref(), &self.account)
    }

    async fn dispatch(&self, call: &Call, caller: &Caller) -> Result<Reply, AwsError> {
        match call.service.as_str() {
            "ec2" => self.ec2.serve(call, self.eks.as_ref()).await,
            "iam" => self.iam.serve(call).await,
            "eks" => self.eks.serve(call, caller).await,
            _ => self.moto.forward(call).await,
        }
    }

    fn record(
        &self,
        call: &Call,
        at: Timestamp,
        caller: Option<Caller>,
        reply: &Reply,
        injected: Option<FaultKind>,
    ) {
        let presented = call.presented.as_ref();
        let (error_code, error_message) = reply.error.clone().unzip();
        self.log.push(Logged {
            at,
            service: call.service.clone(),
            region: call.region.clone(),
            action: call.action.clone(),
            caller_arn: caller.map(|caller| caller.arn),
            access_key: presented.map(|presented| presented.scope.access_key.clone()),
            params: call.params(),
            http_status: reply.status,
            error_code,
            error_message,
            injected,
        });
    }
}

fn response(reply: Reply) -> hyper::Response<Full<Bytes>> {
    let mut builder = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Full::new(Bytes::from(reply.body)))
        .unwrap_or_else(|error| plain(500, &format!("the answer cannot be sent: {error}")))
}

fn plain(status: u16, text: &str) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}
