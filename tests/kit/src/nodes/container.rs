//! One container that really runs: start, probe, restart, stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::logs;
use super::pod_env::{Command, Facts, command};
use super::probe::Prober;
use super::runner::Change;
use super::shared::{Shared, place};
use super::status::{ContainerView, Ended, State, restart_policy};
use crate::process::{Exit, Process, ProcessSpec, is_program};

/// First and longest pause between an end and the next start. Shorter than a kubelet's, which are
/// ten seconds and five minutes.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// A container that ran this long starts again at the first pause.
const STEADY: Duration = Duration::from_secs(10);

/// What the containers of one pod share.
pub(super) struct Containers<'a> {
    pub(super) shared: Arc<Shared>,
    pub(super) pod: Arc<Pod>,
    pub(super) facts: Facts,
    pub(super) tell: mpsc::UnboundedSender<Change>,
    pub(super) stop: &'a CancellationToken,
}

/// Runs a container until the pod is stopped, or it has ended for good.
pub(super) async fn run(
    containers: &Containers<'_>,
    index: usize,
    container: &Container,
    program: &str,
) {
    let restarts = restarts_so_far(&containers.pod, index);
    let mut life = Life { containers, index, container, restarts, last: None, pause: BACKOFF.0 };
    loop {
        let went_on = match command(&containers.pod, container, program, &containers.facts) {
            Ok(command) if is_program(&command.program) => life.once(&command).await,
            Ok(command) => {
                let message = format!(
                    "{} is not there: build it, or name its folder in CAPSTAN_BIN",
                    command.program.display()
                );
                life.wait("ErrImagePull", message).await
            }
            Err(fault) => life.wait("CreateContainerConfigError", fault.to_string()).await,
        };
        if !went_on {
            return;
        }
    }
}

/// A container that ran before the nodes were stopped has one restart more.
fn restarts_so_far(pod: &Pod, index: usize) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.and_then(|all| all.get(index)).map_or(0, |one| {
        one.restart_count + i32::from(one.container_id.as_ref().is_some_and(|id| !id.is_empty()))
    })
}

/// One container over its restarts.
struct Life<'a> {
    containers: &'a Containers<'a>,
    index: usize,
    container: &'a Container,
    restarts: i32,
    last: Option<Ended>,
    pause: Duration,
}

impl Life<'_> {
    /// Starts the process once and waits for its end; false when there is no next time.
    async fn once(&mut self, command: &Command) -> bool {
        let process = match self.spawn(command) {
            Ok(process) => process,
            Err(error) => return self.wait("CreateContainerError", format!("{error:#}")).await,
        };
        let (began, started) = (Instant::now(), Timestamp::now());
        let Some(exit) = self.until_end(&process, started).await else { return false };
        if began.elapsed() > STEADY {
            self.pause = BACKOFF.0;
        }
        self.last = Some(Ended { exit, started, ended: Timestamp::now() });
        let again = match restart_policy(&self.containers.pod) {
            "Never" => false,
            "OnFailure" => !exit.success(),
            _ => true,
        };
        if !again {
            let ended = self.last.take().expect("because it was set above");
            self.show(State::Ended(ended), false);
            return false;
        }
        let message = format!("back-off {:?} restarting failed container", self.pause);
        let goes_on = self.wait("CrashLoopBackOff", message).await;
        self.restarts += 1;
        goes_on
    }

    fn spawn(&self, command: &Command) -> anyhow::Result<Arc<Process>> {
        let Containers { shared, pod, facts, .. } = self.containers;
        let (namespace, name) = place(pod);
        let log = logs::file(namespace, name, &self.container.name);
        let mut spec = ProcessSpec::new(&command.program, shared.log_dir().join(log))
            .args(&command.args)
            .clear_env()
            .cwd(&facts.dir);
        for (name, value) in &command.env {
            spec = spec.env(name, value);
        }
        let process = Arc::new(Process::spawn(&spec)?);
        shared.remember(pod, &process);
        Ok(process)
    }

    /// Watches a running process: its readiness, and how it ends. Nothing when the pod was stopped.
    async fn until_end(&mut self, process: &Process, since: Timestamp) -> Option<Exit> {
        let Containers { shared, facts, stop, .. } = self.containers;
        let mut prober = Prober::of(self.container, facts.ip, &shared.prober);
        self.show(State::Running { since }, prober.is_none());
        loop {
            tokio::select! {
                exit = process.wait() => return Some(exit),
                ready = change(&mut prober) => self.show(State::Running { since }, ready),
                () = stop.cancelled() => {
                    process.stop(grace(&self.containers.pod)).await;
                    return None;
                }
            }
        }
    }

    /// Waits for the back-off; false when the pod was stopped meanwhile.
    async fn wait(&mut self, reason: &'static str, message: String) -> bool {
        self.show(State::Waiting { reason, message }, false);
        let pause = self.pause;
        self.pause = (pause * 2).min(BACKOFF.1);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.containers.stop.cancelled() => false,
        }
    }

    fn show(&self, state: State, ready: bool) {
        let view = ContainerView { state, ready, restarts: self.restarts, last: self.last.clone() };
        let _ = self.containers.tell.send((self.index, view));
    }
}

/// The next change of readiness; never, without a probe.
async fn change(prober: &mut Option<Prober>) -> bool {
    match prober {
        Some(prober) => prober.change().await,
        None => std::future::pending().await,
    }
}

/// How long a process may take to end.
fn grace(pod: &Pod) -> Duration {
    let spec = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    let seconds = pod.metadata.deletion_grace_period_seconds.or(spec).unwrap_or(30);
    Duration::from_secs(seconds.unsigned_abs())
}
