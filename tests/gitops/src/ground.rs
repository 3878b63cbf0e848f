use anyhow::{Context, Result};
use capstan_cluster::Cluster;
use capstan_e2e::bare::Bare;
use capstan_e2e::engine::Place;
use capstan_e2e::install;
use capstan_e2e::stage::read;
use capstan_kit::{Part, Parts, Repo};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::Options;
use crate::fleet::namespace;

/// Connections of whoever calls the API server without an engine.
pub(crate) const CONNECTIONS: usize = 8;

/// A fresh control plane with namespaces, and a repository; nothing else runs.
pub(crate) struct Ground {
    pub(crate) cluster: Cluster,
    pub(crate) repo: Repo,
    pub(crate) api_server: u32,
    pub(crate) counts_calls: bool,
    pub(crate) namespaces: usize,
    place: Place,
    bare: Bare,
}

impl Ground {
    pub(crate) async fn prepare(parts: &Parts, options: &Options) -> Result<Self> {
        let bare = Bare::start(parts).await?;
        let ground = Self {
            cluster: bare.cluster.clone(),
            repo: bare.git.repo("fleet").await?,
            api_server: bare.plane.process_id(Part::KubeApiserver).context("no API server")?,
            counts_calls: options.calls,
            namespaces: options.namespaces,
            place: bare.place(options.concurrent)?,
            bare,
        };
        let names = (0..ground.namespaces).map(|number| namespace(number, ground.namespaces));
        let namespaces = names.map(
            |name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        );
        ground.apply(namespaces.collect()).await?;
        Ok(ground)
    }

    /// Where the engine runs.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Bare server-side applies, over as many connections as count.
    pub(crate) async fn apply(&self, objects: Vec<Value>) -> Result<()> {
        let text: Vec<String> = objects.iter().map(Value::to_string).collect();
        let manifests = read(&text.join("\n---\n"))?;
        let sent = stream::iter(manifests).map(|manifest| async move {
            install::apply(&self.cluster, std::slice::from_ref(&manifest)).await
        });
        sent.buffer_unordered(CONNECTIONS).try_collect().await
    }

    /// Ends it after all went well.
    pub(crate) async fn end(self, keep: bool) {
        self.bare.end(keep).await;
    }
}
