use std::fmt;

use capstan_model::{Fault, Retry};

use crate::classify::{classify, is_stranger};

/// What an error of a service means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Too many calls: slower.
    Throttled,
    /// The identity may not make the call, or is not accepted.
    Denied,
    /// What the call names is not there.
    NotFound,
    /// What the call would create is there already.
    Exists,
    /// Something else still uses it: it goes away when the other is gone.
    InUse,
    /// The service does not see something yet that was just made.
    NotYet,
    /// A quota is used up: somebody has to raise it or to free something.
    Limit,
    /// The input is wrong: only an edit helps.
    Invalid,
    /// No answer, or one that does not tell whether the call was carried out.
    Unanswered,
}

/// A call of a cloud service that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudError {
    /// The service, as the SDK names it: `ec2`, `eks`, `kubernetes`.
    pub service: &'static str,
    /// The operation, for example `CreateVpc`.
    pub operation: &'static str,
    /// The service's error code; empty when there was no answer.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// The service's id of the request, for a support case.
    pub request_id: Option<String>,
    /// What it means.
    pub class: Class,
}

impl CloudError {
    /// An answer of the service, judged by its code, status and words.
    pub fn answered(
        service: &'static str,
        operation: &'static str,
        status: u16,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (code, mut message) = (code.into(), message.into());
        if code.is_empty() && message.is_empty() {
            message = format!("HTTP status {status}");
        }
        let class = classify(operation, status, &code, &message);
        Self { service, operation, code, message, request_id: None, class }
    }

    /// An error of a class that the caller knows.
    pub fn new(
        service: &'static str,
        operation: &'static str,
        class: Class,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        Self { service, operation, code: String::new(), message, request_id: None, class }
    }

    /// The input is wrong, found before any call.
    pub fn invalid(
        service: &'static str,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::new(service, operation, Class::Invalid, message)
    }

    /// Is what the call names not there?
    pub fn is_not_found(&self) -> bool {
        self.class == Class::NotFound
    }

    /// Is what the call would create there already?
    pub fn is_exists(&self) -> bool {
        self.class == Class::Exists
    }

    /// May the identity not make the call?
    pub fn is_denied(&self) -> bool {
        self.class == Class::Denied
    }

    /// Is it certain that the call changed nothing?
    pub fn is_refusal(&self) -> bool {
        self.class != Class::Unanswered
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.operation)?;
        f.write_str(match self.class {
            Class::Throttled => " was throttled",
            Class::Denied => " was denied",
            Class::Unanswered => " got no usable answer",
            _ => " failed",
        })?;
        match (self.code.is_empty(), self.message.is_empty()) {
            (true, true) => {}
            (true, false) => write!(f, ": {}", self.message)?,
            (false, true) => write!(f, ": {}", self.code)?,
            (false, false) => write!(f, ": {}: {}", self.code, self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CloudError {}

impl Fault for CloudError {
    fn retry(&self) -> Retry {
        match self.class {
            Class::Throttled | Class::InUse | Class::NotYet | Class::Unanswered => Retry::Transient,
            Class::Denied | Class::NotFound | Class::Exists | Class::Limit => Retry::AfterChange,
            Class::Invalid => Retry::Never,
        }
    }

    fn reason(&self) -> &'static str {
        "ReconcileError"
    }

    fn hints(&self) -> Vec<String> {
        let (service, operation) = (self.service, self.operation);
        let hint = match self.class {
            Class::Throttled => "Calls slow down by themselves; it is tried again.".to_owned(),
            Class::Denied if service == "kubernetes" => {
                "Allow it in the RBAC of the identity that the ProviderConfig names.".to_owned()
            }
            Class::Denied if operation.starts_with("AssumeRole") => {
                "Check the trust policy of the role: it must name the cluster's OIDC provider, the audience \
                 sts.amazonaws.com and the ServiceAccount."
                    .to_owned()
            }
            Class::Denied if is_stranger(&self.code) => {
                "Check the credentials that the call is made with, and the region.".to_owned()
            }
            Class::Denied => {
                format!("Allow {service}:{operation} in the policies of the role that makes the call.")
            }
            Class::NotFound => "Create what it names, or correct the name.".to_owned(),
            Class::Exists => "Choose another name, or remove what has it.".to_owned(),
            Class::InUse => "It is tried again until nothing uses it.".to_owned(),
            Class::NotYet => "It is tried again until the service sees it.".to_owned(),
            Class::Limit => format!("Raise the quota of {service}, or free something."),
            Class::Invalid => "Correct the spec.".to_owned(),
            Class::Unanswered => "It is tried again.".to_owned(),
        };
        vec![hint]
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, CloudError};
    use capstan_model::{Fault, Retry};

    #[test]
    fn says_what_where_and_what_next() {
        let mut error = CloudError::answered(
            "ec2",
            "CreateVpc",
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        );
        error.request_id = Some("r-1".to_owned());
        assert_eq!(
            error.to_string(),
            "ec2 CreateVpc was denied: UnauthorizedOperation: You are not authorized to perform this operation. \
             (request r-1)"
        );
        assert_eq!(
            error.hints(),
            ["Allow ec2:CreateVpc in the policies of the role that makes the call."]
        );
        assert_eq!((error.retry(), error.reason()), (Retry::AfterChange, "ReconcileError"));
    }

    #[test]
    fn who_is_not_known_needs_other_credentials_and_no_policy() {
        let hints = |code| CloudError::answered("ec2", "DescribeVpcs", 403, code, "").hints();
        for code in ["AuthFailure", "SignatureDoesNotMatch", "InvalidClientTokenId"] {
            assert_eq!(
                hints(code),
                ["Check the credentials that the call is made with, and the region."],
                "{code}"
            );
        }
    }

    #[test]
    fn only_an_unanswered_call_may_have_happened() {
        let error = |class| CloudError::new("ec2", "CreateVpc", class, "");
        assert!(error(Class::Throttled).is_refusal() && error(Class::Invalid).is_refusal());
        assert!(!error(Class::Unanswered).is_refusal());
        assert!(!CloudError::answered("ec2", "CreateVpc", 503, "InternalError", "").is_refusal());
    }
}
