//! The test kit: control planes, nodes, Git and AWS on this machine.
//!
//! Everything in it is the real program where one runs without root (etcd, kube-apiserver,
//! kube-controller-manager, git), and a stand-in where none does (nodes, AWS). [`Kit::start`]
//! gives a management cluster with all of it; each part can also be started alone.
//!
//! Nothing outlives the process that started it: children are killed when their handle is
//! dropped, and by the kernel when this process dies.

pub mod aws;
pub mod bootstrap;
mod cluster;
mod commit;
pub mod dir;
pub mod faults;
pub mod git;
mod kit;
pub mod nodes;
pub mod objects;
pub mod parts;
pub mod plane;
pub mod ports;
pub mod process;
pub mod registry;
pub mod wait;

pub use cluster::Cluster;
pub use commit::seed_of_commit;
pub use dir::KitDir;
pub use faults::{Fault, FaultProxy};
pub use git::{GitServer, Repo, WebHook};
pub use kit::{Kit, KitOptions};
pub use nodes::{Nodes, NodesSpec};
pub use objects::ObjectStore;
pub use parts::{Part, Parts};
pub use plane::{ControlPlane, ControlPlaneSpec};
pub use registry::Registry;
pub use wait::wait_until;
