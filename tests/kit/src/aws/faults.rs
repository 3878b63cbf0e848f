//! Faults that a test asks for: the next calls that match a rule go wrong in its way.

use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum FaultKind {
    /// Refused for its rate, in the service's own code.
    Throttle,
    /// Refused as not permitted.
    Deny,
    /// Answered with the service's internal error, nothing done.
    ServerError,
    /// Performed, then the connection is closed without an answer.
    LoseResponse,
    /// The connection is closed before anything is done.
    LoseRequest,
    /// Answered as usual after this delay.
    Delay(Duration),
}

/// A rule: the next `times` calls that match go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Signing name of the service.
    pub service: String,
    /// Operation name, or `*`.
    pub action: String,
    /// How many calls are hit before the rule is spent.
    pub times: u32,
    /// What happens to them.
    pub kind: FaultKind,
    /// Hit only callers whose ARN contains this text.
    pub caller: Option<String>,
}

impl Fault {
    /// A rule for any caller.
    #[must_use]
    pub fn new(service: &str, action: &str, times: u32, kind: FaultKind) -> Self {
        Self { service: service.into(), action: action.into(), times, kind, caller: None }
    }

    fn hits(&self, service: &str, action: &str, caller: Option<&str>) -> bool {
        let by_caller = self
            .caller
            .as_ref()
            .is_none_or(|part| caller.is_some_and(|arn| arn.contains(part.as_str())));
        let by_action = self.action == "*" || self.action == action;
        by_caller && by_action && self.service == service && self.times > 0
    }
}

/// The rules that are not spent, first come first served.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().expect("because no holder of the rules panics").push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("because no holder of the rules panics").clear();
    }

    /// Uses up one hit of the first rule that matches.
    pub(crate) fn take(
        &self,
        service: &str,
        action: &str,
        caller: Option<&str>,
    ) -> Option<FaultKind> {
        let mut rules = self.0.lock().expect("because no holder of the rules panics");
        let rule = rules.iter_mut().find(|rule| rule.hits(service, action, caller))?;
        rule.times -= 1;
        let kind = rule.kind;
        rules.retain(|rule| rule.times > 0);
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_spent_after_its_hits_and_minds_its_caller() {
        let faults = Faults::default();
        faults.add(Fault::new("ec2", "CreateVpc", 2, FaultKind::Throttle));
        let mut denied = Fault::new("ec2", "*", 1, FaultKind::Deny);
        denied.caller = Some("spoke".into());
        faults.add(denied);
        let take = |action, caller| faults.take("ec2", action, caller);
        assert_eq!(take("CreateVpc", None), Some(FaultKind::Throttle));
        assert_eq!(take("DeleteVpc", Some("arn:hub")), None);
        assert_eq!(take("DeleteVpc", Some("arn:spoke")), Some(FaultKind::Deny));
        assert_eq!(take("CreateVpc", None), Some(FaultKind::Throttle));
        assert_eq!(take("CreateVpc", None), None);
    }
}
