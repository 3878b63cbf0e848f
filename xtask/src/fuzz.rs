use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_fuzz::kustomize::{Difference, Programs, Run, compared};
use capstan_fuzz::text::Target;
use capstan_kit::{Part, Parts};
use clap::{Args, ValueEnum};

/// Where differences are kept that were found.
const FOUND: &str = "tests/fuzz/found/kustomize-found.jsonl";

/// What is given random inputs.
#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Builds of random overlays, against the real kustomize.
    Kustomize,
    /// The reader and the writer of YAML.
    Yaml,
    /// JSON 6902 patches.
    JsonPatch,
    /// Variables in texts.
    Envsubst,
    /// Ignore rules.
    Ignore,
}

/// How random inputs are tried.
#[derive(Args)]
pub(crate) struct Options {
    what: What,
    /// How long, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Which inputs: the same seed gives the same ones. Else those of this commit.
    #[arg(long)]
    seed: Option<u64>,
    /// The number of the first overlay.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many overlays are compared side by side; else one for every core.
    #[arg(long)]
    threads: Option<usize>,
    /// Goes on until as many differences are found.
    #[arg(long, default_value_t = 1)]
    differences: usize,
}

/// Tries random inputs, and fails when something is wrong with one.
pub(crate) fn run(options: &Options) -> Result<()> {
    // What panics is told with its input.
    std::panic::set_hook(Box::new(|_| {}));
    let seed = options.seed.unwrap_or_else(capstan_fuzz::seed_of_commit);
    let time = Duration::from_secs(options.seconds);
    let target = match options.what {
        What::Kustomize => return kustomize(options, seed, time),
        What::Yaml => Target::Yaml,
        What::JsonPatch => Target::JsonPatch,
        What::Envsubst => Target::Envsubst,
        What::Ignore => Target::Ignore,
    };
    match capstan_fuzz::text::run(target, seed, time) {
        Ok(good) => println!("{good} texts are good (seed {seed})"),
        Err(failure) => {
            println!("text {} of seed {seed}: {:?}\n{}", failure.number, failure.text, failure.why);
            anyhow::bail!("something does not hold for a text");
        }
    }
    Ok(())
}

fn kustomize(options: &Options, seed: u64, time: Duration) -> Result<()> {
    let parts = Parts::find_or_build(&[Part::Kustomize, Part::KustomizeServe])?;
    let programs = Programs {
        serve: parts.path(Part::KustomizeServe)?.to_owned(),
        kustomize: parts.path(Part::Kustomize)?.to_owned(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let run = Run {
        seed,
        first: options.first,
        cases: u64::MAX - options.first,
        time,
        threads: options.threads.unwrap_or(cores),
        differences: options.differences,
    };
    let summary = capstan_fuzz::kustomize::run(&programs, &run)?;
    for found in &summary.differences {
        tell(found);
    }
    keep(&summary.differences)?;
    println!("{} built alike, {} refused by both (seed {seed})", summary.built, summary.failed);
    let found = summary.differences.len();
    ensure!(found == 0, "{found} differences; they are kept in {FOUND}");
    Ok(())
}

fn tell(found: &Difference) {
    println!("overlay {} differs (- kustomize, + ours):", found.number);
    for (path, content) in found.record["files"].as_object().into_iter().flatten() {
        println!("--- {path}\n{}", content.as_str().unwrap_or_default());
    }
    println!("--- build of {}\n{}\n", found.record["path"], compared(&found.ours, &found.theirs));
}

/// Adds the cases to the suite of those that were found.
fn keep(found: &[Difference]) -> Result<()> {
    let file: PathBuf = crate::cargo::root().join(FOUND);
    let mut text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    for found in found {
        text.push_str(&format!("{}\n", found.record));
    }
    std::fs::write(&file, text).with_context(|| file.display().to_string())
}
