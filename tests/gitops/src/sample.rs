use std::time::Duration;

use capstan_bench::table::{Row, Target, Unit};

use crate::options::Name;

/// The place of Flux among the peers of a row.
pub(crate) const FLUX: usize = 0;
/// The place of bare calls.
pub(crate) const BARE: usize = 1;

/// A number that was measured of one engine, and what ours should be.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Who.
    pub of: Name,
    /// What; the same for all engines.
    pub figure: String,
    /// What it counts.
    pub unit: Unit,
    /// How much.
    pub value: u64,
    /// What ours should be.
    pub targets: Vec<Target>,
}

impl Sample {
    /// A time.
    pub(crate) fn time(of: Name, figure: impl Into<String>, time: Duration) -> Self {
        let value = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self::new(of, figure, Unit::Time, value)
    }

    /// Any number.
    pub(crate) fn new(of: Name, figure: impl Into<String>, unit: Unit, value: u64) -> Self {
        Self { of, figure: figure.into(), unit, value, targets: Vec::new() }
    }

    /// The same with a target more.
    #[must_use]
    pub(crate) fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }
}

/// A row for each figure, in the order in which they were first measured.
pub fn rows(samples: &[Sample]) -> Vec<Row> {
    let mut figures: Vec<&Sample> = Vec::new();
    for sample in samples {
        if !figures.iter().any(|known| known.figure == sample.figure) {
            figures.push(sample);
        }
    }
    let of = |figure: &str, name: Name| {
        samples.iter().find(|s| s.figure == figure && s.of == name).map(|s| s.value)
    };
    let row = |sample: &Sample| {
        let figure = &sample.figure;
        let peers = [of(figure, Name::Flux), of(figure, Name::Bare)];
        let row = Row::new(figure, sample.unit, peers, of(figure, Name::Capstan));
        // Bare calls have no targets to tell.
        let told = samples.iter().find(|s| s.figure == *figure && !s.targets.is_empty());
        let targets = told.into_iter().flat_map(|sample| &sample.targets);
        targets.fold(row, |row, target| row.target(*target))
    };
    figures.into_iter().map(row).collect()
}
