//! The command lines.

mod looks;
mod registry;
mod writes;

/// One step of a track.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A command line; it is run on both sides, and what is said is compared.
    Run(&'static str),
    /// The same with a text on its standard input.
    Feed(&'static str, &'static str),
    /// A command line against the agent alone, because Flux's notification-controller is no part of the kit; and what must be
    /// said. It must succeed.
    Alone(&'static str, &'static str),
    /// A push to the repository of that name: path and content.
    Push(&'static str, &'static str, Option<&'static str>),
    /// An object that is put into the bucket of that name: key and content.
    Put(&'static str, &'static str, &'static str),
    /// Waits until an object is gone: its API version, kind, namespace and name.
    Gone(&'static str, &'static str, &'static str, &'static str),
    /// An object must be there, and not on its way out.
    There(&'static str, &'static str, &'static str, &'static str),
}

/// Steps that follow one another and touch nothing that another track touches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Track {
    pub(crate) name: &'static str,
    pub(crate) steps: &'static [Step],
}

/// Command lines that change nothing; each is a track.
pub(crate) const LOOKS: &[&str] = looks::LOOKS;

/// What changes something, all at the same time.
pub(crate) const WRITES: &[Track] = writes::TRACKS;

/// What comes after everything else.
pub(crate) const LAST: Track = writes::LAST;

/// Command lines about artifacts; those that read nothing of a cluster.
pub(crate) const REGISTRY: Track = registry::TRACK;

/// Command lines that look at a user's files beside the cluster.
pub(crate) const BUILDS: Track = registry::BUILDS;

impl Step {
    /// The command line, if it is one.
    pub(crate) const fn line(&self) -> Option<&'static str> {
        match self {
            Self::Run(line) | Self::Feed(line, _) | Self::Alone(line, ..) => Some(*line),
            Self::Push(..) | Self::Put(..) | Self::Gone(..) | Self::There(..) => None,
        }
    }
}
