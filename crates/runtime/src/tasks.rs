use std::future::Future;

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Stop;

/// What the end of a task means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExit {
    /// The process cannot do its work without it: everything stops, and the platform restarts us.
    StopProcess,
    /// It was a job with an end.
    Nothing,
}

/// The tasks of a process. Every task has a name and a meaning when it ends.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: Stop,
}

impl Tasks {
    /// Tasks that end with `stop`.
    pub fn new(stop: Stop) -> Self {
        Self { tracker: TaskTracker::new(), stop }
    }

    /// The signal that the tasks share.
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Runs a future as a named task; a panic inside it counts as its end.
    pub fn spawn<F>(&self, name: &'static str, on_exit: OnExit, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(
            async move {
                let ended = tokio::spawn(future.in_current_span()).await;
                if let Err(failure) = &ended {
                    tracing::error!(task = name, %failure, "task failed");
                }
                if on_exit == OnExit::StopProcess && !stop.is_cancelled() {
                    tracing::error!(task = name, "task ended, stopping the process");
                    stop.cancel();
                }
            }
            .instrument(tracing::info_span!("task", name)),
        );
    }

    /// Waits for every task to end.
    pub async fn join(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
