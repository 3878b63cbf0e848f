//! Child processes that never outlive us.
//!
//! A child dies with its handle (drop kills it) and, through `setpriv --pdeathsig`, with this
//! process, however that ends. The kernel sends that signal when the *thread* that started the child
//! ends, so all children are started by one thread that lives as long as the process.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use tokio::sync::watch;

/// What to start.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    clear_env: bool,
    cwd: Option<PathBuf>,
    log: PathBuf,
}

impl ProcessSpec {
    /// A program whose output is appended to the file `log`.
    pub fn new(program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            clear_env: false,
            cwd: None,
            log: log.into(),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Starts with an empty environment instead of ours.
    #[must_use]
    pub fn clear_env(mut self) -> Self {
        self.clear_env = true;
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    fn command(&self) -> Result<Command> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write the log {}", self.log.display()))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program).args(&self.args);
        if self.clear_env {
            command.env_clear();
            // setpriv itself is found by it.
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        // A group of its own: Ctrl-C reaches us alone, and we end the children in order.
        command.process_group(0);
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().context("cannot share the log file")?).stderr(log);
        Ok(command)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, when it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it, otherwise.
    pub signal: Option<i32>,
}

impl Exit {
    /// Whether it ended by itself with code 0.
    pub fn success(self) -> bool {
        self.code == Some(0)
    }

    /// The code that a shell and Kubernetes report: 128 plus the signal for a killed process.
    pub fn shell_code(self) -> i32 {
        self.code.unwrap_or_else(|| 128 + self.signal.unwrap_or_default())
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}

/// A running child process. Dropping it kills the process and waits for its end.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    log: PathBuf,
    program: PathBuf,
    shared: Arc<Shared>,
    exit: watch::Receiver<Option<Exit>>,
}

#[derive(Debug)]
struct Shared {
    /// Holds the end once the process was reaped: from then on its id may belong to another.
    reaped: Mutex<Option<Exit>>,
    ended: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Exit>> {
        self.reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Starts the program.
    ///
    /// # Errors
    /// When the log cannot be written or `setpriv` cannot be started. A program that cannot be
    /// started ends at once with code 127 and says so in its log.
    pub fn spawn(spec: &ProcessSpec) -> Result<Self> {
        let child = spawn_on_the_long_lived_thread(spec.command()?)
            .with_context(|| format!("cannot start {} through setpriv", spec.program.display()))?;
        let pid = Pid::from_child(&child);
        let shared = Arc::new(Shared { reaped: Mutex::new(None), ended: Condvar::new() });
        let (tell, exit) = watch::channel(None);
        let reaper = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(format!("kit-reap-{}", pid.as_raw_nonzero()))
            .spawn(move || reap(child, pid, &reaper, &tell))
            .context("cannot start a thread")?;
        Ok(Self { pid, log: spec.log.clone(), program: spec.program.clone(), shared, exit })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The file with everything that the process printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The program that was started.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// How it ended; nothing while it runs.
    pub fn try_exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(ended) => ended.unwrap_or(Exit { code: None, signal: None }),
            Err(_) => Exit { code: None, signal: None },
        }
    }

    /// Sends a signal; nothing happens when the process has ended.
    pub fn signal(&self, signal: Signal) {
        // The reaper takes this lock before it frees the process id, so the id is still ours.
        let reaped = self.shared.lock();
        if reaped.is_none() {
            // SIGKILL is the end of a container: whatever the program started goes with it.
            let _ = match signal {
                Signal::KILL => kill_process_group(self.pid, signal),
                _ => kill_process(self.pid, signal),
            };
        }
    }

    /// Ends it with SIGKILL, as a crash would.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Asks it to end (SIGTERM), and ends it (SIGKILL) when it is still there after `grace`.
    pub async fn stop(&self, grace: Duration) -> Exit {
        self.signal(Signal::TERM);
        if let Ok(exit) = tokio::time::timeout(grace, self.wait()).await {
            return exit;
        }
        self.kill();
        self.wait().await
    }

    /// The last lines of its log, for error messages.
    pub fn tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }

    /// Waits without a runtime, at most `timeout`.
    pub fn wait_blocking(&self, timeout: Duration) -> Option<Exit> {
        let until = Instant::now() + timeout;
        let mut reaped = self.shared.lock();
        while reaped.is_none() {
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.shared.ended.wait_timeout(reaped, left);
            reaped = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *reaped
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // Whoever drops us may remove the folder that the process writes to.
        let _ = self.wait_blocking(Duration::from_secs(5));
    }
}

/// The last lines of a file, for error messages.
pub fn tail(path: impl AsRef<Path>, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Waits for the end of a child, and tells it.
fn reap(mut child: Child, pid: Pid, shared: &Shared, tell: &watch::Sender<Option<Exit>>) {
    // Learn of the end first, without freeing the id; free it only while nobody sends a signal.
    while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).is_err() {
        std::thread::yield_now();
    }
    let mut reaped = shared.lock();
    let _ = kill_process_group(pid, Signal::KILL);
    let exit = child.wait().map_or(Exit { code: None, signal: None }, Exit::from);
    *reaped = Some(exit);
    drop(reaped);
    shared.ended.notify_all();
    let _ = tell.send(Some(exit));
}

/// A command to start, and where to send the child.
type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Starts a command on the one thread that lives as long as this process.
fn spawn_on_the_long_lived_thread(command: Command) -> Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, queue) = mpsc::channel::<Order>();
        std::thread::Builder::new()
            .name("kit-spawn".into())
            .spawn(move || {
                for (mut command, answer) in queue {
                    let _ = answer.send(command.spawn());
                }
            })
            .expect("because a process that cannot start a thread cannot go on");
        Mutex::new(orders)
    });
    let (answer, child) = mpsc::channel();
    spawner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, answer))
        .map_err(|_| anyhow!("the thread that starts processes is gone"))?;
    Ok(child.recv().context("the thread that starts processes is gone")??)
}

/// Whether a program of this name is on PATH.
pub fn find_on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name.as_ref())).find(|file| is_program(file))
}

/// Whether the file is there and may be executed.
pub fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (tempfile::TempDir, Process) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let process = Process::spawn(&ProcessSpec::new("sh", log).args(["-c", script])).unwrap();
        (dir, process)
    }

    #[tokio::test]
    async fn tells_how_it_ended_and_what_it_printed() {
        let (_dir, process) = shell("echo hello; echo there >&2; exit 3");
        let exit = process.wait().await;
        assert_eq!(exit, Exit { code: Some(3), signal: None });
        assert_eq!(process.tail(2), "hello\nthere");
    }

    #[tokio::test]
    async fn stops_politely_then_firmly() {
        let (_dir, polite) = shell("trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done");
        crate::wait_until("the trap", Duration::from_secs(5), || async {
            if polite.tail(1) == "up" { Ok(()) } else { Err("not up") }
        })
        .await
        .unwrap();
        assert!(polite.stop(Duration::from_secs(5)).await.success());

        let (_dir, stubborn) = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
        crate::wait_until("the trap", Duration::from_secs(5), || async {
            if stubborn.tail(1) == "up" { Ok(()) } else { Err("not up") }
        })
        .await
        .unwrap();
        assert_eq!(stubborn.stop(Duration::from_millis(50)).await.shell_code(), 137);
    }

    #[test]
    fn dropping_kills() {
        let (_dir, process) = shell("sleep 1000");
        let proc = PathBuf::from(format!("/proc/{}", process.id()));
        assert!(proc.exists());
        drop(process);
        assert!(!proc.exists());
    }

    #[tokio::test]
    async fn survives_the_thread_that_asked_for_it() {
        let (_dir, process) = std::thread::spawn(|| shell("sleep 1000")).join().unwrap();
        let early = tokio::time::timeout(Duration::from_millis(100), process.wait()).await;
        assert!(early.is_err(), "the child died with the thread: {early:?}");
    }

    #[tokio::test]
    async fn a_missing_program_is_said_in_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let spec = ProcessSpec::new("/no/such/program", dir.path().join("log"));
        let process = Process::spawn(&spec).unwrap();
        assert_eq!(process.wait().await.code, Some(127));
        assert!(process.tail(1).contains("/no/such/program"), "{}", process.tail(1));
    }
}
