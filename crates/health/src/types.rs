use std::fmt;

/// The states of kstatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// As its spec asks.
    Current,
    /// On the way there.
    InProgress,
    /// Will not get there by itself.
    Failed,
    /// Being deleted.
    Terminating,
    /// Does not exist.
    NotFound,
    /// Cannot be judged.
    Unknown,
}

impl Status {
    /// As kstatus writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The health of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The state.
    pub status: Status,
    /// A word for programs; empty for a current object.
    pub reason: String,
    /// A sentence for people, in the words of kstatus.
    pub message: String,
}

impl Health {
    /// From its parts.
    pub fn new(status: Status, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), message: message.into() }
    }

    /// As its spec asks.
    pub fn current(message: impl Into<String>) -> Self {
        Self::new(Status::Current, "", message)
    }

    /// On the way to its spec: the condition `Reconciling`.
    pub fn in_progress(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Status::InProgress, reason, message)
    }

    /// Stuck: the condition `Stalled`.
    pub fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Status::Failed, reason, message)
    }

    /// The object does not exist.
    pub fn not_found() -> Self {
        Self::new(Status::NotFound, "NotFound", "Resource not found")
    }

    /// Is the object as its spec asks?
    pub fn is_current(&self) -> bool {
        self.status == Status::Current
    }

    /// The kstatus condition that the state stands for, as type and reason: `Reconciling` or
    /// `Stalled`, always with status `True`.
    pub fn condition(&self) -> Option<(&'static str, &str)> {
        match self.status {
            Status::InProgress => Some(("Reconciling", &self.reason)),
            Status::Failed => Some(("Stalled", &self.reason)),
            _ => None,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}
