//! `capstan`: look at what the engine does, and nudge it.
//!
//! Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 3 timed out.

mod age;
mod args;
mod commands;
mod connect;
mod discovery;
mod failure;
mod format;
mod out;
mod rows;
mod table;
mod wait;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Where nobody reads it, there is nothing left to do about it.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.say();
            ExitCode::from(failure.code)
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    let Args { cluster, command } = args;
    match command {
        Command::Build(build) => commands::build::run(&cluster, &build),
        Command::Envsubst(envsubst) => commands::envsubst::run(&envsubst),
        Command::Version => commands::version::run(),
        Command::Completion { shell } => commands::completion::run(shell),
        Command::Get(get) => online(commands::get::run(&cluster, &get)),
        Command::Reconcile(what) => online(commands::reconcile::run(&cluster, &what)),
        Command::Suspend(what) => online(commands::suspend::suspend(&cluster, &what)),
        Command::Resume(what) => online(commands::suspend::resume(&cluster, &what)),
    }
}

/// Runs what talks to a cluster.
fn online<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("failed to start: {error}")))?;
    runtime.block_on(command)
}
