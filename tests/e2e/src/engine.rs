//! GitOps engines as processes beside a control plane: Flux's controllers, and our agent.

mod capstan;
mod flux;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use capstan_kit::process::{Process, ProcessSpec};

pub use capstan::Capstan;
pub use flux::Flux;

/// How long an engine may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(30);

/// A GitOps engine. It runs outside the cluster, as its administrator.
pub trait Engine {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Its programs, in the order of their start. Their ports are the same at every start.
    fn programs(&self, place: &Place) -> Result<Vec<ProcessSpec>>;
}

/// Where an engine runs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The administrator's kubeconfig of the cluster.
    pub kubeconfig: PathBuf,
    /// A folder for its data and logs. What is in it is found again at the next start.
    pub folder: PathBuf,
    /// How many units it works on at once.
    pub concurrent: usize,
    /// The port of its artifacts on 127.0.0.1: the same for engines that follow one another, as the name of a Service is.
    pub artifacts: u16,
}

impl Place {
    /// A folder of this place, made if it is not there.
    fn sub(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn artifacts(&self) -> String {
        format!("127.0.0.1:{}", self.artifacts)
    }

    /// A program of an engine, with what all of them are told.
    fn program(&self, program: &Path) -> ProcessSpec {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        ProcessSpec::new(program, self.folder.join(format!("{name}.log")))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("RUNTIME_NAMESPACE", crate::stage::NAMESPACE)
            .env("NO_PROXY", "127.0.0.1")
            .arg(format!("--concurrent={}", self.concurrent))
    }
}

/// An engine that runs. Dropping it kills its programs.
pub struct Running {
    processes: Vec<Process>,
}

impl Running {
    /// Starts an engine.
    pub fn start(engine: &dyn Engine, place: &Place) -> Result<Self> {
        std::fs::create_dir_all(&place.folder)?;
        let programs = engine.programs(place)?;
        let processes = programs.iter().map(Process::spawn).collect::<Result<_>>()?;
        Ok(Self { processes })
    }

    /// The ids of its processes.
    pub fn process_ids(&self) -> Vec<u32> {
        self.processes.iter().map(Process::id).collect()
    }

    /// Fails when one of its programs has ended.
    pub fn check(&self) -> Result<()> {
        for process in &self.processes {
            if let Some(exit) = process.try_exit() {
                bail!("{} ended: {exit:?}\n{}", process.program().display(), process.tail(12));
            }
        }
        Ok(())
    }

    /// Asks all of its programs to end, and waits for that.
    pub async fn stop(self) {
        for process in &self.processes {
            process.stop(GRACE).await;
        }
    }
}
