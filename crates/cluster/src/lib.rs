//! Kubernetes: discovery, apply, delete, watch, events. The only crate beside kube's own that talks to an API server.
//!
//! Objects are [`capstan_model::Manifest`]s of any kind; what a kind's resource is called is discovered and remembered.

mod access;
mod bearer;
mod connect;
mod discovery;
mod election;
mod error;
mod event;
mod guard;
mod mirror;
mod sight;
mod token;
mod wait;
mod watch;

pub use access::{ApplyOptions, Cluster, DeleteOptions, Propagation};
pub use bearer::BearerSource;
pub use connect::ConnectError;
pub use discovery::{Resource, Scope};
pub use election::{Election, ElectionTimes};
pub use error::{ApiFault, ClusterError};
pub use event::{EventType, Note};
pub use guard::{Access, Fence, RequestRate};
pub use mirror::{Change, Mirror, Mirrored};
pub use sight::{Manager, Sight, Version};
pub use token::BearerToken;
pub use watch::{Selection, Watched, mirror_for_ever, mirror_into};
