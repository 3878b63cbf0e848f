use std::path::PathBuf;

use anyhow::Result;
use capstan_kit::process::ProcessSpec;
use capstan_kit::{Part, Parts, ports};

use super::{Engine, Place};

/// Flux's source-controller and kustomize-controller, with their own defaults where nothing else is said.
pub struct Flux {
    source: PathBuf,
    kustomize: PathBuf,
    /// Metrics and health of each.
    ports: [u16; 4],
    /// `--requeue-dependency`, where it is not Flux's own.
    requeue: Option<&'static str>,
}

impl Flux {
    /// From parts that hold [`Part::FLUX_CONTROLLERS`].
    pub fn new(parts: &Parts) -> Result<Self> {
        Ok(Self {
            source: parts.path(Part::SourceController)?.to_owned(),
            kustomize: parts.path(Part::KustomizeController)?.to_owned(),
            ports: ports::free()?,
            requeue: None,
        })
    }

    /// Has it look for dependencies and sources so often, in Go's form, for tests that do not have Flux's half minute.
    #[must_use]
    pub const fn requeue_dependency(mut self, often: &'static str) -> Self {
        self.requeue = Some(often);
        self
    }
}

impl Engine for Flux {
    fn name(&self) -> &'static str {
        "Flux"
    }

    fn programs(&self, place: &Place) -> Result<Vec<ProcessSpec>> {
        let ports = self.ports.map(|port| format!("127.0.0.1:{port}"));
        let [source_metrics, source_health, metrics, health] = ports;
        let artifacts = place.artifacts();
        // Where the controllers unpack what they work on.
        let scratch = place.sub("flux-scratch")?;
        let source = place
            .program(&self.source)
            .env("TMPDIR", &scratch)
            .arg(format!("--storage-path={}", place.sub("flux")?.display()))
            .arg(format!("--storage-addr={artifacts}"))
            .arg(format!("--storage-adv-addr={artifacts}"))
            .arg(format!("--metrics-addr={source_metrics}"))
            .arg(format!("--health-addr={source_health}"));
        let kustomize = place
            .program(&self.kustomize)
            .env("TMPDIR", &scratch)
            .arg(format!("--metrics-addr={metrics}"))
            .arg(format!("--health-addr={health}"));
        let kustomize = match self.requeue {
            Some(often) => kustomize.arg(format!("--requeue-dependency={often}")),
            None => kustomize,
        };
        Ok(vec![source, kustomize])
    }
}
