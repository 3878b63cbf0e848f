use capstan_model::{Fault, GroupVersionKind, Retry};

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiFault {
    /// HTTP status code.
    pub code: u16,
    /// `NotFound`, `Conflict`, `Invalid`, `Forbidden`, `AlreadyExists`, …
    pub reason: String,
    /// Its message.
    pub message: String,
}

impl ApiFault {
    /// Did the API server give no reason? Then `reason` only repeats the status code.
    pub fn is_unexplained(&self) -> bool {
        self.reason == unexplained(self.code)
    }
}

fn unexplained(code: u16) -> String {
    format!("HTTP {code}")
}

/// Why a call to a cluster failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The API server refused.
    #[error("{operation} {subject} failed: {} ({})", fault.message, fault.reason)]
    Api {
        /// `get`, `apply`, `delete`, …
        operation: &'static str,
        /// `Kind/namespace/name`.
        subject: String,
        /// What it said.
        fault: ApiFault,
    },
    /// The API server could not be reached, or answered something else than Kubernetes does.
    #[error("{operation} {subject} failed")]
    Transport {
        /// `get`, `apply`, `delete`, …
        operation: &'static str,
        /// `Kind/namespace/name`.
        subject: String,
        /// The cause.
        #[source]
        cause: Box<kube::Error>,
    },
    /// The cluster does not serve a kind.
    #[error("no matches for kind \"{}\" in version \"{}\"", .0.kind, .0.api_version())]
    NoSuchKind(GroupVersionKind),
    /// An object came back in a form that is no object.
    #[error("{operation} {subject} failed: the answer is not an object: {cause}")]
    Malformed {
        /// `get`, `apply`, …
        operation: &'static str,
        /// `Kind/namespace/name`.
        subject: String,
        /// What is missing.
        cause: String,
    },
}

impl ClusterError {
    pub(crate) fn from_kube(
        operation: &'static str,
        subject: impl Into<String>,
        error: kube::Error,
    ) -> Self {
        let subject = subject.into();
        match error {
            kube::Error::Api(status) => {
                let reason = match &*status.reason {
                    "" => unexplained(status.code),
                    reason => reason.to_owned(),
                };
                let fault = ApiFault { code: status.code, reason, message: status.message.clone() };
                Self::Api { operation, subject, fault }
            }
            cause => Self::Transport { operation, subject, cause: Box::new(cause) },
        }
    }

    /// What the API server said, when it was the API server that refused.
    pub const fn api(&self) -> Option<&ApiFault> {
        match self {
            Self::Api { fault, .. } => Some(fault),
            _ => None,
        }
    }

    fn has_code(&self, code: u16) -> bool {
        self.api().is_some_and(|fault| fault.code == code)
    }

    /// Does the cluster not serve the kind?
    pub const fn is_no_such_kind(&self) -> bool {
        matches!(self, Self::NoSuchKind(_))
    }

    /// Has the kind no endpoint? A CRD's comes a moment after the CRD is established.
    pub fn is_not_served(&self) -> bool {
        let no_endpoint = |fault: &ApiFault| {
            fault.code == 404
                && (fault.message.contains("could not find the requested resource")
                    || fault.message.contains("page not found"))
        };
        self.is_no_such_kind() || self.api().is_some_and(no_endpoint)
    }

    /// Is the object (or its kind) absent?
    pub fn is_not_found(&self) -> bool {
        self.has_code(404)
    }

    /// Is the namespace absent in which the object should be?
    fn is_namespace_absent(&self) -> bool {
        self.is_not_found()
            && self.api().is_some_and(|fault| fault.message.starts_with("namespaces "))
    }

    /// Did somebody else change the object first, or does it exist already?
    pub fn is_conflict(&self) -> bool {
        self.has_code(409)
    }

    /// Does the object exist already?
    pub fn is_already_exists(&self) -> bool {
        self.api().is_some_and(|fault| fault.reason == "AlreadyExists")
    }

    /// Do we lack a permission?
    pub fn is_forbidden(&self) -> bool {
        self.has_code(403) || self.has_code(401)
    }

    /// Does the object break its schema or an immutable field?
    pub fn is_invalid(&self) -> bool {
        self.has_code(422)
    }
}

impl Fault for ClusterError {
    fn retry(&self) -> Retry {
        match self {
            Self::Transport { .. } | Self::Malformed { .. } => Retry::Transient,
            Self::NoSuchKind(_) => Retry::AfterChange,
            Self::Api { fault, .. } => match fault.code {
                // What does not fit the schema is answered with 500 by server-side apply.
                500 if fault.message.contains("typed patch object") => Retry::AfterChange,
                408 | 409 | 429 | 500..=599 => Retry::Transient,
                _ => Retry::AfterChange,
            },
        }
    }

    fn reason(&self) -> &'static str {
        "ReconciliationFailed"
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoSuchKind(gvk) => vec![format!(
                "Install the CRD of {}, or let what installs it come first.",
                gvk.kind
            )],
            error if error.is_namespace_absent() => {
                vec!["Create the namespace, or let what creates it come first.".to_owned()]
            }
            error if error.is_forbidden() => {
                vec!["Grant the permission named above, or use another service account.".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
