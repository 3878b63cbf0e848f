//! Runs the engines and prints a table.
#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]

use anyhow::Result;
use capstan_bench::table::markdown;
use capstan_gitops_bench::{Options, rows, run};
use clap::Parser;

/// Times our agent beside Flux's controllers.
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> Result<()> {
    let samples = run(&Command::parse().options).await?;
    println!("{}", markdown(&["Flux", "bare calls"], &rows(&samples)));
    Ok(())
}
