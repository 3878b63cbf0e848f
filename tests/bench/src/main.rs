//! Times the build engine: the counterpart of the kit's kustomize-bench, with the same report.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever runs it")]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use capstan_bench::revision::revision;
use capstan_bench::run::{Plan, run};
use capstan_bench::trees;
use clap::Parser;

/// Builds directories over and over in one process, and says how long that took.
///
/// The directories come on standard input, a line each; the report goes to standard output as JSON.
#[derive(Parser)]
struct Args {
    /// The root of the tree, which is read into memory first.
    #[arg(long)]
    root: PathBuf,
    /// How often everything is built.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// How many threads share a round.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Print YAML too, within the time.
    #[arg(long)]
    yaml: bool,
    /// Build everything once, then time how all directories are answered after one of them has changed.
    #[arg(long)]
    revision: bool,
}

fn main() -> ExitCode {
    match bench(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<()> {
    let directories: Vec<String> =
        io::stdin().lines().collect::<Result<_, _>>().context("standard input")?;
    let tree = trees::load(&args.root)?;
    let report = if args.revision {
        let new = trees::changed(tree.clone(), &directories)?;
        revision(&tree, &new, &directories, args.rounds)?
    } else {
        let plan = Plan { rounds: args.rounds, threads: args.threads, yaml: args.yaml };
        run(&tree, &directories, plan)?
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
