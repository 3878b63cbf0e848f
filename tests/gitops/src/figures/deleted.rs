//! How soon an object that somebody deleted is back.

use std::time::Duration;

use anyhow::{Context, Result};
use capstan_cluster::DeleteOptions;

use super::chain::within;
use crate::fleet::{LABEL, config_map, namespace, unit};
use crate::objects::Objects;
use crate::run::Subject;
use crate::sample::Sample;

/// After this nothing is measured: an engine that looks only at its interval needs an hour here.
const PATIENCE: Duration = Duration::from_secs(10);
const TARGET: Duration = Duration::from_secs(1);

/// Deletes the ConfigMap of the first unit.
pub(crate) async fn measure(subject: &mut Subject) -> Result<()> {
    let ground = &subject.ground;
    let (namespace, name) = (namespace(0, ground.namespaces), unit(0));
    let mut watched = Objects::watch(&ground.cluster, config_map(), LABEL).await;
    let before = ground.cluster.get(&config_map(), &namespace, &name).await?;
    let uid = before.context("no ConfigMap to delete")?.uid().to_owned();
    let stopwatch = subject.stopwatch().await?;
    ground.cluster.delete(&config_map(), &namespace, &name, &DeleteOptions::default()).await?;
    let is_back = watched.until("object is not back", [name], PATIENCE, |o| o.uid() != uid).await;
    if is_back.is_ok() {
        let reading = stopwatch.read("deleted object back").await?;
        let sample = Sample::time(subject.of, "deleted object back", reading.wall);
        subject.note(sample.target(within(TARGET)));
    }
    Ok(())
}
