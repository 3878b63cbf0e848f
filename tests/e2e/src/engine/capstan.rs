use std::path::PathBuf;

use anyhow::Result;
use capstan_kit::nodes::programs_dir;
use capstan_kit::ports;
use capstan_kit::process::ProcessSpec;

use super::{Engine, Place};

/// Our agent, without AWS.
pub struct Capstan {
    program: PathBuf,
    /// Webhooks, health, metrics.
    ports: [u16; 3],
}

impl Capstan {
    /// The agent that was built beside the program that runs.
    pub fn new() -> Result<Self> {
        Ok(Self { program: programs_dir()?.join("capstan-agent"), ports: ports::free()? })
    }
}

impl Engine for Capstan {
    fn name(&self) -> &'static str {
        "capstan"
    }

    fn programs(&self, place: &Place) -> Result<Vec<ProcessSpec>> {
        let [webhooks, health, metrics] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        let artifacts = place.artifacts();
        let agent = place
            .program(&self.program)
            .arg("--no-managed-resources")
            .arg(format!("--storage-path={}", place.sub("capstan")?.display()))
            .arg(format!("--storage-addr={artifacts}"))
            .arg(format!("--storage-adv-addr={artifacts}"))
            .arg(format!("--receiver-addr={webhooks}"))
            .arg(format!("--health-addr={health}"))
            .arg(format!("--metrics-addr={metrics}"));
        Ok(vec![agent])
    }
}
