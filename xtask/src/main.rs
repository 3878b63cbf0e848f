//! Repository tasks: `cargo xtask <task>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever runs it")]

mod bench;
mod cargo;
mod conformance;
mod demo;
mod fuzz;
mod generate;
mod kit;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Repository tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs a whole fleet on this machine: a push reaches a cluster that the hub created. Stays up until Ctrl-C.
    Demo {
        /// Goes on to the end of the story: the hub away, the cluster removed, nothing left; then exits.
        #[arg(long)]
        exit: bool,
    },
    /// The test kit by hand.
    Kit {
        #[command(subcommand)]
        action: kit::Action,
    },
    /// Runs every test: what they need is installed or built first.
    Test {
        /// The long ones too, which take minutes each.
        #[arg(long)]
        long: bool,
    },
    /// Runs folders of recorded cases of kustomize, Flux, kstatus and Crossplane against ours.
    Conformance {
        /// The folder with the case files; else the one beside the checkout.
        #[arg(long)]
        cases: Option<PathBuf>,
        /// A line of JSON for each suite, without the names of cases.
        #[arg(long)]
        json: bool,
    },
    /// Times what must be fast.
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Tries random inputs: overlays against the real kustomize, or texts.
    Fuzz(fuzz::Options),
    /// Writes what is generated from code: the CRDs under deploy/crds.
    Gen {
        /// Writes nothing, and fails when something would change.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Demo { exit } => demo::run(exit),
        Task::Kit { action } => kit::run(&action),
        Task::Test { long } => test::run(long),
        Task::Conformance { cases, json } => conformance::run(cases.as_deref(), json),
        Task::Bench { what } => bench::run(&what),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Gen { check } => generate::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
