//! Programs as a user runs them against a cluster of the kit.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_kit::nodes::programs_dir;
use capstan_kit::{Kit, Part};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How long a program may take. Long, because what it waits for is asserted by its exit code.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program with a home of its own and the kubeconfig of one cluster.
pub struct Program {
    path: PathBuf,
    home: PathBuf,
    kubeconfig: PathBuf,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Program and arguments.
    pub line: String,
    /// Exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Program {
    /// The Flux command line of the kit, for the management cluster.
    pub fn flux(kit: &Kit) -> Result<Self> {
        Self::new(kit, kit.parts().path(Part::Flux)?)
    }

    /// Our own command line, for the management cluster.
    pub fn capstan(kit: &Kit) -> Result<Self> {
        Self::new(kit, &programs_dir()?.join("capstan"))
    }

    fn new(kit: &Kit, path: &Path) -> Result<Self> {
        let name = path.file_name().context("a program without a name")?.to_string_lossy();
        let home = kit.dir().join(format!("home-{name}"));
        Self::at_home(path, home, kit.management().kubeconfig())
    }

    /// A program with this home, which is made, for the cluster of a kubeconfig.
    pub fn at_home(path: &Path, home: PathBuf, kubeconfig: &Path) -> Result<Self> {
        std::fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
        Ok(Self { path: path.to_owned(), home, kubeconfig: kubeconfig.to_owned() })
    }

    /// The folder that it runs in.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Runs it with arguments that are separated by spaces, in its home.
    pub async fn run(&self, arguments: &str) -> Result<Said> {
        self.run_with(arguments, "").await
    }

    /// The same with a text on its standard input.
    pub async fn run_with(&self, arguments: &str, input: &str) -> Result<Said> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let line = format!("{name} {arguments}");
        let mut running = Command::new(&self.path)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments.split(' '))
            .current_dir(&self.home)
            .env("HOME", &self.home)
            .env_remove("KUBECONFIG")
            // Nothing but the cluster is asked: flux would look on GitHub for a newer version of itself.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "127.0.0.1")
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to run {}", self.path.display()))?;
        let mut stdin = running.stdin.take().context("a program without an input")?;
        // One that does not read its input has closed it.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, running.wait_with_output())
            .await
            .with_context(|| format!("`{line}` still runs after {PATIENCE:?}"))??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        Ok(Said { line, code: output.status.code(), out, err })
    }

    /// Runs it; it must succeed and complain about nothing.
    pub async fn succeeds(&self, arguments: &str) -> Result<Said> {
        let said = self.run(arguments).await?;
        ensure!(said.code == Some(0) && !said.err.contains('✗'), "{said}");
        Ok(said)
    }

    /// Runs it; it must fail with this exit code, print no data, and say why.
    pub async fn fails(&self, arguments: &str, code: i32, why: &str) -> Result<Said> {
        let said = self.run(arguments).await?;
        ensure!(said.code == Some(code) && said.out.is_empty(), "{said}");
        ensure!(said.err.contains(why), "nothing about `{why}`: {said}");
        Ok(said)
    }
}

impl Said {
    /// The words of each line of standard output.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        self.out.lines().map(|line| line.split_whitespace().collect()).collect()
    }

    /// The row that holds a word.
    pub fn row(&self, word: &str) -> Result<Vec<&str>> {
        let found = self.rows().into_iter().find(|row| row.contains(&word));
        found.with_context(|| format!("no row with `{word}`: {self}"))
    }

    /// Fails unless standard output holds all of these texts.
    pub fn shows(&self, texts: &[&str]) -> Result<()> {
        for text in texts {
            ensure!(self.out.contains(text), "nothing about `{text}`: {self}");
        }
        Ok(())
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, out, err } = self;
        write!(f, "`{line}` ended with {code:?}\nstdout:\n{out}\nstderr:\n{err}")
    }
}
