//! Nothing of the command line is forgotten: its own help says what there is.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use capstan_kit::{Part, Parts};

use crate::differences::NOT_COMPARED;
use crate::table::{BUILDS, LAST, LOOKS, REGISTRY, Step, WRITES};

#[tokio::test]
async fn every_command_is_compared_or_has_a_reason() -> Result<()> {
    let parts = match Parts::get(&[Part::Flux]).await {
        Ok(parts) => parts,
        Err(error) => {
            println!("SKIPPED the help of flux: {error:#}");
            return Ok(());
        }
    };
    let mut commands = Vec::new();
    walk(parts.path(Part::Flux)?, &[], &mut commands)?;
    ensure!(commands.len() > 100, "only {commands:?}");
    let tracks = WRITES.iter().chain([&REGISTRY, &BUILDS, &LAST]).flat_map(|track| track.steps);
    let lines: Vec<&str> = tracks.filter_map(Step::line).chain(LOOKS.iter().copied()).collect();
    let begins = |line: &str, command: &str| {
        line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let compared = |command: &String| lines.iter().any(|line| begins(line, command));
    let excused = |command: &String| NOT_COMPARED.iter().any(|(one, _)| one == command);
    let forgotten: Vec<_> = commands.iter().filter(|one| compared(one) == excused(one)).collect();
    ensure!(forgotten.is_empty(), "neither compared nor excused, or both: {forgotten:?}");
    for (one, _) in NOT_COMPARED {
        ensure!(commands.iter().any(|command| command == one), "there is no `{one}`");
    }
    Ok(())
}

/// The commands below one that have no commands below them.
fn walk(flux: &Path, command: &[&str], found: &mut Vec<String>) -> Result<()> {
    let output = Command::new(flux).args(command).arg("--help").output()?;
    let help = String::from_utf8(output.stdout)?;
    let Some((_, list)) = help.split_once("Available Commands:\n") else {
        found.push(command.join(" "));
        return Ok(());
    };
    for line in list.lines().take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().context("a line without a command")?;
        walk(flux, &[command, &[name]].concat(), found)?;
    }
    Ok(())
}
