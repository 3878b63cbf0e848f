//! The benchmark works. Nothing is asserted of times.

use anyhow::{Result, ensure};
use capstan_gitops_bench::{Options, rows, run};
use clap::Parser;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: Flux alone takes minutes for a chain of dependencies"]
async fn every_figure_is_measured_of_both_engines() -> Result<()> {
    let args = "gitops-bench --units 50 --few 10 --pushes 3 --pushes-to-flux 1 --rest 2";
    let samples = run(&Command::parse_from(args.split(' ')).options).await?;
    ensure!(rows(&samples).len() >= 18, "{samples:#?}");
    for sample in &samples {
        ensure!(sample.value > 0 || sample.figure.starts_with("use at rest"), "{sample:#?}");
    }
    Ok(())
}
