//! The most memory that an engine had.

use anyhow::Result;
use capstan_bench::table::{Target, Unit};

use crate::run::Subject;
use crate::sample::{FLUX, Sample};
use capstan_e2e::usage::Memory;

/// Reads the high water mark of all processes of the engine.
pub(crate) fn measure(subject: &mut Subject, units: usize) -> Result<()> {
    let memory = Memory::of(&subject.running.process_ids())?;
    let figure = format!("{units} Kustomizations: peak memory");
    let sample = Sample::new(subject.of, figure, Unit::Memory, memory.peak);
    subject.note(sample.target(Target::Of(FLUX, 0.25)));
    Ok(())
}
