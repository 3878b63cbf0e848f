//! The `moto_server` process behind the proxy, and the stand-in's own questions to it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::process::{Process, ProcessSpec};
use crate::wait::wait_until;

use super::error::{AwsError, Reply};
use super::form::Form;
use super::route::Call;
use super::sigv4::header;
use super::xml::Element;

/// Loading the managed policies takes about 4 s on an idle machine; builds beside it slow it.
const START_LIMIT: Duration = Duration::from_secs(90);

/// A running `moto_server`.
#[derive(Debug)]
pub(crate) struct Moto {
    endpoint: String,
    http: reqwest::Client,
    /// moto's backends are plain dictionaries: calls that change one while another iterates over
    /// it fail, so one call at a time.
    gate: Semaphore,
    _process: Process,
}

impl Moto {
    /// Starts `server` on a free port, logging to `folder/moto.log`, and waits until it answers.
    pub(crate) async fn start(server: &Path, folder: &Path, account: &str) -> anyhow::Result<Self> {
        let log = folder.join("moto.log");
        let spec = ProcessSpec::new(server, &log)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .env("MOTO_ACCOUNT_ID", account)
            .env("PYTHONUNBUFFERED", "1");
        let process = Process::spawn(&spec)?;
        let endpoint = wait_until("moto_server to name its port", START_LIMIT, || async {
            announced(&process)
        })
        .await
        .with_context(|| format!("moto_server did not start; see {}", log.display()))?;
        // A proxy from the environment must not stand between two processes of one machine.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { endpoint, http, gate: Semaphore::new(1), _process: process })
    }

    /// Hands a call to moto as it came.
    pub(crate) async fn forward(&self, call: &Call) -> Result<Reply, AwsError> {
        // A long poll would hold up everybody else.
        let _permit = match call.action.as_str() {
            "ReceiveMessage" => None,
            _ => self.gate.acquire().await.ok(),
        };
        let wire = &call.wire;
        let query = if wire.query.is_empty() { String::new() } else { format!("?{}", wire.query) };
        let url = format!("{}{}{query}", self.endpoint, wire.path);
        let mut request = self.http.request(wire.method.clone(), url).body(wire.body.clone());
        for (name, value) in &wire.headers {
            if !["host", "content-length", "connection", "expect"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        receive(request).await
    }

    /// Asks a form-based service as the stand-in itself; nothing of it is logged or authorised.
    pub(crate) async fn query(
        &self,
        service: &str,
        region: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<Element, AwsError> {
        let version = match service {
            "ec2" => "2016-11-15",
            "iam" => "2010-05-08",
            _ => "2011-06-15",
        };
        let mut form =
            Form(vec![("Action".into(), action.into()), ("Version".into(), version.into())]);
        form.0.extend(params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let _permit = self.gate.acquire().await.ok();
        let request = self
            .http
            .post(&self.endpoint)
            .header("authorization", own_authorization(service, region))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.encode());
        let reply = checked(receive(request).await?)?;
        let text = String::from_utf8_lossy(&reply.body);
        Element::parse(&text).map_err(|e| broken(&format!("moto's {action} is not XML: {e}")))
    }

    /// Asks a JSON service as the stand-in itself.
    pub(crate) async fn json(
        &self,
        service: &str,
        region: &str,
        target: &str,
        body: &Value,
    ) -> Result<Value, AwsError> {
        let _permit = self.gate.acquire().await.ok();
        let request = self
            .http
            .post(&self.endpoint)
            .header("authorization", own_authorization(service, region))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .body(body.to_string());
        let reply = checked(receive(request).await?)?;
        serde_json::from_slice(&reply.body).map_err(|e| broken(&format!("moto's {target}: {e}")))
    }
}

/// moto routes by the credential scope and checks no signature.
fn own_authorization(service: &str, region: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIASTANDIN/20260101/{region}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

fn broken(message: &str) -> AwsError {
    AwsError::new(500, "InternalFailure", message)
}

fn checked(reply: Reply) -> Result<Reply, AwsError> {
    match reply.find_error() {
        Some((code, message)) => Err(AwsError::new(reply.status, &code, message)),
        None => Ok(reply),
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Result<Reply, AwsError> {
    let answer = request.send().await.map_err(|e| broken(&format!("moto does not answer: {e}")))?;
    let status = answer.status().as_u16();
    let headers: Vec<_> = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.into())))
        .filter(|(name, _): &(String, String)| kept(name))
        .collect();
    let body = answer.bytes().await.map_err(|e| broken(&format!("moto broke off: {e}")))?;
    let mut reply = Reply { status, headers, body: body.to_vec(), error: None };
    if header(&reply.headers, "content-type").is_none() {
        reply.headers.push(("content-type".into(), "text/xml".into()));
    }
    reply.error = reply.find_error();
    Ok(reply)
}

/// Headers that describe the connection to moto are not for our caller.
fn kept(name: &str) -> bool {
    !["connection", "content-length", "transfer-encoding", "server", "date"].contains(&name)
}

/// The address in the line in which the server names its port.
fn announced(process: &Process) -> Result<String, String> {
    let text = std::fs::read_to_string(process.log()).unwrap_or_default();
    match text.split("http://127.0.0.1:").nth(1) {
        Some(rest) => {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Ok(format!("http://127.0.0.1:{port}"))
        }
        None => Err(format!("ended: {:?}; it printed: {}", process.try_exit(), process.tail(5))),
    }
}
