//! The agent's work on units alone, for tests that simulate all around it: sources are put in by hand, and no port is opened.

use std::path::Path;
use std::sync::Arc;

use capstan_cluster::Cluster;
use capstan_runtime::{Stop, Tasks};
use capstan_tree::Tree;
use clap::Parser;

use crate::args::Args;
use crate::source::{self, Source, SourceKey, SourceKind};
use crate::wiring;
use crate::world::World;

/// An agent that works on the units of a cluster. It ends with the runtime that it was started on.
pub struct Staged {
    world: World,
    _tasks: Tasks,
}

impl Staged {
    /// Starts it, with the flags of the command line.
    ///
    /// # Errors
    /// When the flags make no sense, or the folder cannot be written.
    pub fn start(cluster: Cluster, folder: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let name = ["capstan-agent", "--no-remote-bases"];
        let mut args = Args::try_parse_from(name.iter().chain(flags))?;
        args.storage_path = folder.to_owned();
        args.check()?;
        let world = wiring::world(args, cluster)?;
        let tasks = Tasks::new(Stop::new());
        wiring::watch(&world, &tasks);
        wiring::reconcile_units(&world, &tasks);
        Ok(Self { world, _tasks: tasks })
    }

    /// A GitRepository was fetched, or read from the disk after a start: its units are told, as its reconciler does.
    pub async fn offer(
        &self,
        (namespace, name): (&str, &str),
        revision: &str,
        tree: Arc<dyn Tree>,
        is_restored: bool,
    ) {
        let key = SourceKey::new(SourceKind::GitRepository, namespace, name);
        let since = source::since(self.world.sources.get(&key), revision, &tree).await;
        let source = Source {
            revision: revision.to_owned(),
            tree,
            metadata: std::collections::BTreeMap::new(),
            digest: None,
            generation: 1,
            is_restored,
            since,
        };
        if self.world.sources.put(&key, source) {
            source::wake_units(&self.world, &key);
        }
    }
}
