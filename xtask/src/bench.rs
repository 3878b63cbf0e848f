use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use capstan_bench::table::{Row, Target, Unit, markdown};
use capstan_bench::trees::Scene;
use capstan_bench::{Report, median};
use capstan_kit::{Part, Parts};
use clap::Subcommand;

use crate::cargo;

/// What to time.
#[derive(Subcommand)]
pub(crate) enum What {
    /// The build engine beside kustomize and Flux: the same trees, in one run.
    Build {
        /// Writes the trees there and keeps them.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Our agent beside Flux's controllers: the same objects on real control planes, in one run.
    #[command(disable_help_flag = true)]
    Gitops {
        /// Arguments of the program that measures; `--help` shows them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

pub(crate) fn run(what: &What) -> Result<()> {
    match what {
        What::Build { keep } => build(keep.as_deref()),
        What::Gitops { args } => gitops(args),
    }
}

/// Builds agent and program with optimisation, and runs the program.
fn gitops(args: &[OsString]) -> Result<()> {
    let program = "gitops-bench";
    let bins = ["--bin", "capstan-agent", "--bin", program];
    let mut command = cargo::command();
    command.args(["build", "--release", "--workspace"]).args(bins);
    let built = executable(command, program)?;
    let status = Command::new(built).args(args).status().context("it cannot be started")?;
    ensure!(status.success(), "{program} failed");
    Ok(())
}

fn build(keep: Option<&Path>) -> Result<()> {
    let folder = tempfile::tempdir().context("no place for the trees")?;
    let folder = keep.unwrap_or_else(|| folder.path());
    let parts = Parts::find_or_build(&Part::BENCH)?;
    let programs = Programs {
        kustomize: parts.path(Part::KustomizeBench)?.to_owned(),
        flux: parts.path(Part::FluxBench)?.to_owned(),
        ours: own_program()?,
    };
    let mut rows = Vec::new();
    for scene in Scene::all(&cargo::root().join("examples/fleet"))? {
        let root = folder.join(scene.name.replace(' ', "-"));
        scene.write(&root)?;
        let place = Place { programs: &programs, root: &root, directories: &scene.directories };
        place.same_bytes().with_context(|| scene.name.to_owned())?;
        rows.extend(place.time(&scene)?);
    }
    println!("\n{}", markdown(&["kustomize", "Flux"], &rows));
    Ok(())
}

struct Programs {
    kustomize: PathBuf,
    flux: PathBuf,
    ours: PathBuf,
}

/// The optimised program of ours.
fn own_program() -> Result<PathBuf> {
    let mut command = cargo::command();
    command.args(["build", "--release", "-p", "capstan-bench"]);
    executable(command, "capstan-bench")
}

/// Runs a build; gives the program of that name.
fn executable(mut command: Command, name: &str) -> Result<PathBuf> {
    command.arg("--message-format=json-render-diagnostics");
    let output = command.stderr(Stdio::inherit()).output().context("failed to run cargo")?;
    ensure!(output.status.success(), "cargo build failed");
    let text = String::from_utf8(output.stdout).context("cargo printed something unreadable")?;
    let executable = |line| -> Option<PathBuf> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path: PathBuf = message.get("executable")?.as_str()?.into();
        (path.file_name()? == name).then_some(path)
    };
    text.lines().find_map(executable).with_context(|| format!("cargo built no {name}"))
}

/// A tree on disk, and what is to be built of it.
struct Place<'a> {
    programs: &'a Programs,
    root: &'a Path,
    directories: &'a [String],
}

impl Place<'_> {
    /// Do both print the same? A time counts for nothing else.
    fn same_bytes(&self) -> Result<()> {
        let theirs = self.report(&self.programs.kustomize, &["-yaml"])?;
        let ours = self.report(&self.programs.ours, &["--yaml"])?;
        ensure!(theirs.digest == ours.digest, "kustomize and ours print different bytes");
        println!(
            "{}: {} objects, {} bytes, the same in both",
            self.root.display(),
            theirs.objects,
            ours.bytes
        );
        Ok(())
    }

    /// The rows of the table for one tree.
    fn time(&self, scene: &Scene) -> Result<Vec<Row>> {
        let count = scene.directories.len();
        let many = count > 100;
        // A warm-up, and as many rounds as make a steady median in bearable time.
        let rounds = match count {
            _ if many => "2",
            1 => "4",
            _ => "41",
        };
        let (kustomize, ours) = (&self.programs.kustomize, &self.programs.ours);
        let theirs = self.report(kustomize, &["-memory", "-rounds", rounds])?;
        let own = self.report(ours, &["--rounds", if many { "11" } else { "41" }])?;
        let sample: Vec<String> =
            scene.directories.iter().step_by(count.div_ceil(20)).cloned().collect();
        let sampled = Place { directories: &sample, ..*self };
        let flux = sampled.report(&self.programs.flux, &["-rounds", "3"])?;
        let one = |report: &Report| timed(&report.call_nanos, report.round_nanos.len());
        let whole = |report: &Report| timed(&report.round_nanos, report.round_nanos.len());
        if !many {
            let name = match count {
                1 => format!("{}: a build", scene.name),
                _ => format!("{}: {count} builds", scene.name),
            };
            let flux = Some(whole(&flux));
            return Ok(vec![
                Row::new(name, Unit::Time, [Some(whole(&theirs)), flux], Some(whole(&own)))
                    .target(Target::Of(0, 0.2)),
            ]);
        }
        let threads = self.report(ours, &["--rounds", "11", "--threads", "2"])?;
        let memory = self.report(kustomize, &[])?.peak_kilobytes;
        let own_memory = self.report(ours, &["--threads", "2"])?.peak_kilobytes;
        let revision = self.report(ours, &["--revision", "--rounds", "11"])?;
        let named = |what: &str| format!("{}: {what}", scene.name);
        let time = |what: &str, peers: [Option<u64>; 2], ours: u64| {
            Row::new(named(what), Unit::Time, peers, Some(ours))
        };
        Ok(vec![
            time("a build", [Some(one(&theirs)), Some(one(&flux))], one(&own))
                .target(Target::Of(0, 0.2)),
            time(&format!("{count} builds, serial"), [Some(whole(&theirs)), None], whole(&own)),
            time(
                &format!("{count} builds, ours on two threads"),
                [Some(whole(&theirs)), None],
                whole(&threads),
            )
            .target(Target::Of(0, 0.1)),
            time("a revision that touches one", [None, None], whole(&revision))
                .target(Target::Bound(20_000_000)),
            Row::new(named("peak memory"), Unit::Memory, [Some(memory), None], Some(own_memory))
                .target(Target::Of(0, 0.3)),
        ])
    }

    fn report(&self, program: &Path, args: &[&str]) -> Result<Report> {
        let flag = if program == self.programs.ours { "--root" } else { "-root" };
        let mut child = Command::new(program)
            .arg(flag)
            .arg(self.root)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut input = child.stdin.take().context("no standard input")?;
        input.write_all((self.directories.join("\n") + "\n").as_bytes())?;
        drop(input);
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{} failed", program.display());
        serde_json::from_slice(&output.stdout).context("a report that cannot be read")
    }
}

/// The median of some times without those of the first round, which warms up.
fn timed(nanos: &[u64], rounds: usize) -> u64 {
    let first = if rounds > 1 { nanos.len() / rounds } else { 0 };
    median(&nanos[first..])
}
