//! The real kustomize.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::case::{Case, Outcome};

/// After this long without an answer the server is taken for stuck.
const LIMIT: Duration = Duration::from_secs(30);

/// The programs of kustomize.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The server of builds of the kit.
    pub serve: PathBuf,
    /// The command line, which has the last word.
    pub kustomize: PathBuf,
}

/// A running server of builds. It ends with the value.
pub(crate) struct Peer {
    program: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error says that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    pub(crate) fn new(programs: &Programs) -> Self {
        Self { program: programs.serve.clone(), running: None }
    }

    /// Builds a case; a server that ends or hangs has failed, and is started anew for the next.
    pub(crate) fn build(&mut self, case: &Case) -> Result<Outcome> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => start(&self.program)?,
        };
        let sent = writeln!(running.requests, "{}", case.request());
        let answer = sent.ok().and_then(|()| running.answers.recv_timeout(LIMIT).ok());
        let Some(answer) = answer else {
            return Ok(Outcome::Failed("the server crashed or hangs".to_owned()));
        };
        self.running = Some(running);
        let answer: Value = serde_json::from_str(&answer).context("the server's answer")?;
        Ok(match answer["error"].as_str() {
            Some(error) => Outcome::Failed(error.to_owned()),
            None => Outcome::Built(answer["output"].as_str().unwrap_or_default().to_owned()),
        })
    }
}

fn start(program: &Path) -> Result<Running> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let requests = child.stdin.take().context("a child without input")?;
    let lines = BufReader::new(child.stdout.take().context("a child without output")?).lines();
    let (sender, answers) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok(Running { child, requests, answers })
}

/// What the command line makes of a case, in a folder of its own.
pub(crate) fn confirmed(programs: &Programs, case: &Case) -> Result<Outcome> {
    let dir = tempfile::tempdir().context("no folder for a case")?;
    for (path, file) in &case.files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(dir.path()))?;
        fs::write(&path, file.bytes()).with_context(|| path.display().to_string())?;
    }
    let output = Command::new(&programs.kustomize)
        .args(["build", "--reorder", if case.legacy { "legacy" } else { "none" }])
        .arg(dir.path().join(&case.path))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", programs.kustomize.display()))?;
    Ok(if output.status.success() {
        Outcome::Built(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().filter(|line| !line.contains("deprecated")).take(5);
        let root = dir.path().display().to_string();
        Outcome::Failed(said.collect::<Vec<_>>().join("\n").replace(&root, "/__ROOT__"))
    })
}
