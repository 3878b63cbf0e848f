use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The result of a job, if it is there in time. A job that is late runs on without anybody who waits for it.
pub(crate) fn within<T: Send + 'static>(
    timeout: Duration,
    job: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = mpsc::sync_channel(1);
    let work = move || {
        // Nobody may wait any more.
        let _ = done.send(job());
    };
    thread::Builder::new().name("fetch".to_owned()).spawn(work).ok()?;
    result.recv_timeout(timeout).ok()
}
