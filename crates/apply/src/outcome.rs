use capstan_cluster::ClusterError;
use capstan_model::{Chain, Fault, Hints, Manifest, NamespacedName, ObjectId, Retry};

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was not there.
    Created,
    /// It changed.
    Configured,
    /// It was as wanted.
    Unchanged,
    /// An annotation keeps it from being touched.
    Skipped,
    /// It belongs to another unit.
    Left,
    /// It was deleted and made anew.
    Recreated,
}

impl Action {
    /// The word in Flux's change sets.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Left => "left",
            Self::Recreated => "recreated",
        }
    }

    /// Did the object change?
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Recreated)
    }
}

/// An object that was dealt with.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The object.
    pub id: ObjectId,
    /// What was done.
    pub action: Action,
    /// The object as it was stored; nothing where it was not sent.
    pub stored: Option<Manifest>,
}

/// A step that failed. Other steps went on.
#[derive(Debug)]
pub struct StepFailure {
    /// The object.
    pub id: ObjectId,
    /// Why.
    pub cause: FailureCause,
}

/// Why a step failed.
#[derive(Debug)]
pub enum FailureCause {
    /// The cluster refused, or could not be reached.
    Cluster(ClusterError),
    /// The cluster refused a deletion, or could not be reached for it.
    Undeleted(ClusterError),
    /// The cluster refused a change of what cannot be changed, and recreating is not asked for.
    Immutable(ClusterError),
    /// What the step waits for did not come true in time.
    Waiting(String),
}

impl StepFailure {
    /// May the same step succeed soon, without any change?
    pub fn is_transient(&self) -> bool {
        match &self.cause {
            FailureCause::Cluster(error) | FailureCause::Undeleted(error) => {
                error.retry() == Retry::Transient
            }
            FailureCause::Immutable(_) | FailureCause::Waiting(_) => false,
        }
    }
}

impl std::fmt::Display for StepFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.cause {
            FailureCause::Cluster(error) => {
                write!(f, "{} apply failed{}{}", self.id, Said(error), Hints(error))
            }
            FailureCause::Undeleted(error) => {
                write!(f, "{} delete failed{}{}", self.id, Said(error), Hints(error))
            }
            FailureCause::Immutable(error) => write!(
                f,
                "{} apply failed{}. To have it deleted and made anew, set spec.force: true or \
                 annotate it with kustomize.toolkit.fluxcd.io/force: enabled",
                self.id,
                Said(error)
            ),
            FailureCause::Waiting(what) => write!(f, "{} was not applied: {what}", self.id),
        }
    }
}

/// What the cluster said: reason and message when it refused, else what went wrong on the way.
struct Said<'a>(&'a ClusterError);

impl std::fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.api() {
            Some(fault) if fault.is_unexplained() => write!(f, ": {}", fault.message),
            Some(fault) => write!(f, " ({}): {}", fault.reason, fault.message),
            None => write!(f, ": {}", Chain(self.0)),
        }
    }
}

/// What became of the waves.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Objects that were dealt with, in order.
    pub applied: Vec<Applied>,
    /// Steps that failed.
    pub failed: Vec<StepFailure>,
}

/// What became of the deletions.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Deletions that were sent now.
    pub deleted: Vec<ObjectId>,
    /// Objects that still exist: finalizers hold them, or their stage has not come.
    pub pending: Vec<ObjectId>,
    /// Objects that other units want, and take over.
    pub left: Vec<(ObjectId, NamespacedName)>,
    /// Objects that were left alone, and why.
    pub spared: Vec<(ObjectId, String)>,
    /// Deletions that failed.
    pub failed: Vec<StepFailure>,
}

#[cfg(test)]
mod tests {
    use super::{FailureCause, StepFailure};
    use capstan_cluster::{ApiFault, ClusterError};

    fn failure(code: u16, message: &str) -> StepFailure {
        let fault = ApiFault { code, reason: "Reason".into(), message: message.into() };
        let error = ClusterError::Api { operation: "apply", subject: "x".into(), fault };
        let id = "n_x__ConfigMap".parse().expect("an id");
        StepFailure { id, cause: FailureCause::Cluster(error) }
    }

    #[test]
    fn a_failure_says_what_where_and_what_next() {
        let absent = failure(404, "namespaces \"n\" not found");
        let text = "ConfigMap/n/x apply failed (Reason): namespaces \"n\" not found. \
                    Create the namespace, or let what creates it come first";
        assert_eq!(absent.to_string(), text);
    }

    #[test]
    fn a_reason_that_nobody_gave_is_not_made_up() {
        let mut failure = failure(500, "no typed patch");
        let FailureCause::Cluster(ClusterError::Api { fault, .. }) = &mut failure.cause else {
            unreachable!("it is made of one");
        };
        fault.reason = "HTTP 500".into();
        assert!(failure.to_string().starts_with("ConfigMap/n/x apply failed: no typed patch"));
    }

    #[test]
    fn a_server_in_trouble_is_transient_and_a_bad_object_is_not() {
        assert!(failure(503, "the server is overloaded").is_transient());
        assert!(!failure(500, "failed to create typed patch object (x): .data").is_transient());
        assert!(!failure(422, "x is invalid").is_transient());
    }
}
