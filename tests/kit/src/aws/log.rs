//! The log of every call: what the tests assert on and the demo's timeline shows.

use std::sync::Mutex;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use super::faults::FaultKind;

/// Subscribers that lag more than this many calls behind lose the oldest.
const BACKLOG: usize = 4096;

/// One call, as it was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// When the call came in.
    pub at: Timestamp,
    /// Signing name of the service: `ec2`, `iam`, `sts`, `dynamodb`, `eks`, …
    pub service: String,
    /// Region of the credential scope.
    pub region: String,
    /// Operation name.
    pub action: String,
    /// ARN of the caller; `None` when the call was not signed or its key is unknown.
    pub caller_arn: Option<String>,
    /// Access key id of the signature.
    pub access_key: Option<String>,
    /// Parameters, secrets masked.
    pub params: Value,
    /// HTTP status of the answer.
    pub http_status: u16,
    /// AWS error code. Also set with status 200 when AWS accepts a call that is bound to fail
    /// (a NAT gateway without an internet gateway, nodes that cannot join).
    pub error_code: Option<String>,
    /// The error's message.
    pub error_message: Option<String>,
    /// The fault that a test injected into this call.
    pub injected: Option<FaultKind>,
}

impl Call {
    /// Whether the call only reads.
    #[must_use]
    pub fn reads(&self) -> bool {
        super::route::is_read(&self.action)
    }

    /// Whether AWS refused this call, or accepted it to fail later, because something that it
    /// depends on was not there yet or something that depends on it was still there.
    ///
    /// Reads never count, nor injected faults, nor the codes that an idempotent create or delete
    /// meets in the ordinary course (`…AlreadyExists`, not found on delete).
    #[must_use]
    pub fn is_dependency_error(&self) -> bool {
        let Some(code) = self.error_code.as_deref() else { return false };
        let not_found = code.contains("NotFound") || code == "NoSuchEntity";
        let ordinary = code.contains("AlreadyExists")
            || (not_found && removes(&self.action))
            || code.contains("Throttl")
            || code == "RequestLimitExceeded";
        !self.reads() && self.injected.is_none() && !ordinary
    }
}

fn removes(action: &str) -> bool {
    ["Delete", "Detach", "Disassociate", "Release", "Remove", "Untag"]
        .iter()
        .any(|verb| action.starts_with(verb))
}

/// Every call since the start, and a stream of those to come.
#[derive(Debug)]
pub(crate) struct Log {
    calls: Mutex<Vec<Call>>,
    stream: broadcast::Sender<Call>,
}

impl Default for Log {
    fn default() -> Self {
        Self { calls: Mutex::default(), stream: broadcast::channel(BACKLOG).0 }
    }
}

impl Log {
    pub(crate) fn push(&self, call: Call) {
        let mut calls = self.calls.lock().expect("because no holder of the log panics");
        calls.push(call.clone());
        // Nobody listening is no error.
        let _ = self.stream.send(call);
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.calls.lock().expect("because no holder of the log panics").clone()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Call> {
        self.stream.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: &str, code: Option<&str>) -> Call {
        Call {
            at: Timestamp::UNIX_EPOCH,
            service: "ec2".into(),
            region: "eu-west-1".into(),
            action: action.into(),
            caller_arn: None,
            access_key: None,
            params: Value::Null,
            http_status: 400,
            error_code: code.map(str::to_owned),
            error_message: None,
            injected: None,
        }
    }

    #[test]
    fn only_disorder_counts_as_a_dependency_error() {
        assert!(call("DeleteVpc", Some("DependencyViolation")).is_dependency_error());
        assert!(call("CreateRoute", Some("InvalidNatGatewayID.NotFound")).is_dependency_error());
        assert!(call("CreateNatGateway", Some("Gateway.NotAttached")).is_dependency_error());
        assert!(!call("DeleteVpc", Some("InvalidVpcID.NotFound")).is_dependency_error());
        assert!(!call("GetRole", Some("NoSuchEntity")).is_dependency_error());
        assert!(!call("CreateRole", Some("EntityAlreadyExists")).is_dependency_error());
        assert!(!call("CreateVpc", None).is_dependency_error());
        let injected =
            Call { injected: Some(FaultKind::Deny), ..call("CreateVpc", Some("AccessDenied")) };
        assert!(!injected.is_dependency_error());
    }

    #[tokio::test]
    async fn a_subscriber_sees_what_comes_after_it() {
        let log = Log::default();
        log.push(call("CreateVpc", None));
        let mut stream = log.subscribe();
        log.push(call("DeleteVpc", None));
        assert_eq!(stream.recv().await.unwrap().action, "DeleteVpc");
        assert_eq!(log.all().len(), 2);
    }
}
