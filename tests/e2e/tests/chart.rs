//! The chart says the same as deploy/agent, and refuses values that make no sense.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use capstan_e2e::stage::{NAMESPACE, read};
use capstan_e2e::{install, root};
use capstan_kit::{Part, Parts};
use capstan_model::Manifest;

/// Helm renders the chart.
fn render(values: &[&str]) -> Result<Output> {
    let parts = Parts::find_or_build(&[Part::Helm])?;
    let chart: PathBuf = root().join("deploy/chart");
    let mut command = Command::new(parts.path(Part::Helm)?);
    command.args(["template", "capstan"]).arg(chart).args(["--namespace", NAMESPACE]);
    for value in values {
        command.args(["--set", value]);
    }
    command.output().context("helm runs")
}

fn by_id(objects: Vec<Manifest>) -> BTreeMap<String, Manifest> {
    objects.into_iter().map(|object| (object.id().to_string(), object)).collect()
}

#[test]
fn the_chart_renders_what_deploy_agent_holds() -> Result<()> {
    let output = render(&[])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = by_id(read(&String::from_utf8(output.stdout)?)?);
    let wanted = by_id(install::render("agent")?);
    let names: (Vec<_>, Vec<_>) = (rendered.keys().collect(), wanted.keys().collect());
    assert_eq!(names.0, names.1);
    for (id, wanted) in &wanted {
        assert_eq!(rendered[id].value(), wanted.value(), "{id}");
    }
    Ok(())
}

#[test]
fn values_are_checked_and_reach_the_agent() -> Result<()> {
    let refused = render(&["replicas=2"])?;
    ensure!(!refused.status.success(), "two agents without an election");
    let given = render(&["replicas=2", "leaderElection=true", "args={--concurrent=20}"])?;
    ensure!(given.status.success(), "{}", String::from_utf8_lossy(&given.stderr));
    let text = String::from_utf8(given.stdout)?;
    for line in ["replicas: 2", "- --enable-leader-election", "- \"--concurrent=20\""] {
        ensure!(text.contains(line), "no {line} in:\n{text}");
    }
    Ok(())
}
