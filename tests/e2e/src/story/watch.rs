//! What the timeline hears from AWS and from the clusters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use capstan_cluster::{Change, Cluster, Mirror, Selection, mirror_into};

use super::Story;
use crate::look::{condition, find_condition, kind, text};
use crate::timeline::Timeline;

impl Story {
    /// Tells every AWS call that made or removed something.
    pub(super) fn tell_aws(&mut self) {
        let (mut calls, timeline) = (self.stage.kit.aws.subscribe(), Arc::clone(&self.timeline));
        self.watching.push(tokio::spawn(async move {
            while let Ok(call) = calls.recv().await {
                if !call.reads() && call.service != "sts" && call.error_code.is_none() {
                    timeline.note(format!("AWS {}: {}", call.service, call.action));
                }
            }
        }));
    }

    /// Tells when a unit of a cluster turns ready or fails.
    pub(super) fn tell_units(&mut self, cluster: &Cluster, name: &'static str) {
        let (cluster, timeline) = (cluster.clone(), Arc::clone(&self.timeline));
        self.watching.push(tokio::spawn(async move {
            let (mirror, told) = (Mirror::default(), Mutex::new(HashMap::new()));
            let units = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
            loop {
                let tell = |change: Change| tell(&timeline, name, &told, &change);
                let ended =
                    mirror_into(&cluster, &units, Selection::default(), &mirror, tell).await;
                if ended.is_err() {
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
            }
        }));
    }
}

fn tell(
    timeline: &Timeline,
    cluster: &str,
    told: &Mutex<HashMap<String, String>>,
    change: &Change,
) {
    let Some(unit) = &change.after else { return };
    let said = if condition(unit, "Ready") {
        format!("applied {}", text(unit, "/status/lastAppliedRevision"))
    } else {
        match find_condition(unit, "Ready") {
            Some(ready)
                if ready["status"] == "False" && ready["reason"] != "DependencyNotReady" =>
            {
                format!("{}: {}", ready["reason"], ready["message"])
            }
            _ => return,
        }
    };
    let mut told = told.lock().expect("no holder of this lock can panic");
    if told.insert(unit.name().to_owned(), said.clone()).as_ref() != Some(&said) {
        timeline.note(format!("{cluster}/{} {said}", unit.name()));
    }
}
