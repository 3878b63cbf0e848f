//! A new revision that touches little: every directory is answered, and only what the change reaches is built.

use std::time::Instant;

use anyhow::{Result, ensure};
use capstan_build::{Options, Overlay, build};
use capstan_tree::{Changes, MemTree, ReadSet, Recorder, Tree};

use crate::Report;
use crate::run::{nanos, peak};

/// Answers every directory at the new revision, `rounds` times. What was read at the old one is known beforehand; to find what changed is within the time.
///
/// # Errors
/// When a build fails, or not exactly one directory had to be built.
pub fn revision(
    old: &MemTree,
    new: &MemTree,
    directories: &[String],
    rounds: usize,
) -> Result<Report> {
    let read_sets: Vec<ReadSet> = directories
        .iter()
        .map(|directory| {
            let recorder = Recorder::new(old);
            objects(&recorder, directory)?;
            Ok(recorder.into_read_set())
        })
        .collect::<Result<_>>()?;
    let mut report = Report::default();
    for _ in 0..rounds {
        let began = Instant::now();
        let changes = Changes::between(old, new)?;
        let mut built = 0;
        for (directory, reads) in directories.iter().zip(&read_sets) {
            if reads.first_difference_in(&changes, new).is_some() {
                let recorder = Recorder::new(new);
                report.objects += objects(&recorder, directory)?;
                built += 1;
            }
        }
        report.round_nanos.push(nanos(began));
        ensure!(built == 1, "{built} directories were built for a change of one");
    }
    report.peak_kilobytes = peak()?;
    Ok(report)
}

fn objects(tree: &dyn Tree, directory: &str) -> Result<usize> {
    Ok(build(tree, directory, &Overlay::default(), Options::KUSTOMIZE)?.len())
}
