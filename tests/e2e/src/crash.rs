//! Crashes at chosen moments: a program of the product is killed (SIGKILL) and started again by its cluster.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use capstan_kit::aws::{Call, Resource};
use capstan_kit::{Cluster, wait_until};
use tokio::task::JoinHandle;

use crate::stage::{PATIENCE, Stage};

/// A program of the product, as a pod of a cluster.
#[derive(Clone)]
pub struct Victim {
    /// The cluster.
    pub of: Cluster,
    /// The namespace of its pod.
    pub namespace: &'static str,
    /// A label of its pod.
    pub label: &'static str,
}

impl Victim {
    /// The hub.
    pub fn hub(stage: &Stage) -> Self {
        let of = stage.kit.management().clone();
        Self { of, namespace: "capstan-system", label: "app=capstan-hub" }
    }

    /// The agent of a cluster.
    pub fn agent(of: Cluster) -> Self {
        Self { of, namespace: "flux-system", label: "app=capstan-agent" }
    }

    /// Kills it now; one that just starts again is waited for.
    pub async fn crash(&self) -> Result<()> {
        wait_until("a process to kill", PATIENCE, async || self.crash_if_it_runs()).await
    }

    /// Kills it now, unless it is on its way back.
    ///
    /// # Errors
    /// When it does not run.
    pub fn crash_if_it_runs(&self) -> Result<()> {
        self.of.nodes().kill_pod_process(self.namespace, self.label).map(drop)
    }

    /// Kills it once after each of these operations of AWS succeeded, in any order, before their answers can be acted upon.
    /// The handle ends when every one of them has come.
    pub fn crash_after(self, stage: &Stage, actions: &[&str]) -> JoinHandle<Result<()>> {
        let mut calls = stage.kit.aws.subscribe();
        let mut left: Vec<String> = actions.iter().map(ToString::to_string).collect();
        tokio::spawn(async move {
            while !left.is_empty() {
                let call = calls.recv().await.context("AWS is gone")?;
                let due = left.iter().position(|action| succeeded(&call, action));
                if let Some(at) = due {
                    left.remove(at);
                    self.crash().await?;
                }
            }
            Ok(())
        })
    }
}

fn succeeded(call: &Call, action: &str) -> bool {
    call.action == action && call.error_code.is_none()
}

/// How many resources of each kind there are.
pub fn count(resources: &[Resource]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for resource in resources {
        *counts.entry(format!("{} {}", resource.service, resource.kind)).or_default() += 1;
    }
    counts
}
