use std::error::Error;

use capstan_model::Chain;

use crate::out;

/// A command that did not do what it should: what is wrong, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    pub(crate) code: u8,
}

/// Exit code of a failure.
const FAILED: u8 = 1;
/// Exit code of a wait that took too long, so that scripts can tell it from a failure.
const TIMED_OUT: u8 = 3;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), code: FAILED }
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self { code: TIMED_OUT, ..Self::new(message) }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Puts before the message what was tried.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Tells the user.
    pub(crate) fn say(&self) {
        out::say("✗", &self.message);
        for hint in &self.hints {
            out::say("hint:", hint);
        }
    }
}

/// The API server's answer is a sentence already; everything else is told with its causes.
impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 401 => Self::new(status.message.clone())
                .hint("the API server does not accept these credentials: log in again"),
            kube::Error::Api(status) if status.code == 403 => Self::new(status.message.clone())
                .hint("ask for the right, or use a context that has it with --context"),
            kube::Error::Api(status) => Self::new(status.message.clone()),
            kube::Error::HyperError(_) | kube::Error::Service(_) => Self::new(causes(&error))
                .hint("is the cluster up, and is this its address? try `kubectl version`"),
            _ => Self::new(causes(&error)),
        }
    }
}

fn causes(error: &(dyn Error + 'static)) -> String {
    Chain(error).to_string()
}
