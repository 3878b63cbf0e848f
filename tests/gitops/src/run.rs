use anyhow::Result;
use capstan_e2e::bare::Bare;
use capstan_e2e::engine::{Capstan, Engine, Flux, Running};
use capstan_kit::{Part, Parts};

use crate::ground::Ground;
use crate::options::Name;
use crate::stopwatch::Stopwatch;
use crate::{Options, Sample, figures};

/// An engine on its ground, and what was measured of it.
pub(crate) struct Subject {
    pub(crate) of: Name,
    pub(crate) ground: Ground,
    pub(crate) running: Running,
    engine: Box<dyn Engine>,
    samples: Vec<Sample>,
}

/// Measures all figures of all engines, one after the other.
pub async fn run(options: &Options) -> Result<Vec<Sample>> {
    let mut wanted = Bare::PARTS.to_vec();
    if options.only.contains(&Name::Flux) {
        wanted.extend(Part::FLUX_CONTROLLERS);
    }
    let parts = Parts::get(&wanted).await?;
    let mut samples = Vec::new();
    for name in &options.only {
        eprintln!("{name:?}");
        samples.extend(match name {
            Name::Bare => figures::bare::measure(&parts, options).await?,
            Name::Flux | Name::Capstan => measure(*name, &parts, options).await?,
        });
    }
    Ok(samples)
}

async fn measure(of: Name, parts: &Parts, options: &Options) -> Result<Vec<Sample>> {
    let mut few = Subject::begin(of, parts, options).await?;
    figures::ready::measure(&mut few, options.few).await?;
    figures::rest::measure(&mut few, options).await?;
    figures::chain::measure(&mut few, options.few).await?;
    figures::deleted::measure(&mut few).await?;
    let mut samples = few.end(options).await;

    let mut large = Subject::begin(of, parts, options).await?;
    figures::ready::measure(&mut large, options.units).await?;
    figures::memory::measure(&mut large, options.units)?;
    figures::push::measure(&mut large, options).await?;
    figures::no_op::measure(&mut large, options.units).await?;
    large = figures::restart::measure(large, options.units).await?;
    samples.extend(large.end(options).await);

    if let Some(units) = options.many {
        let mut many = Subject::begin(of, parts, options).await?;
        figures::ready::measure(&mut many, units).await?;
        figures::memory::measure(&mut many, units)?;
        samples.extend(many.end(options).await);
    }
    Ok(samples)
}

impl Subject {
    /// Starts an engine on a fresh control plane.
    async fn begin(of: Name, parts: &Parts, options: &Options) -> Result<Self> {
        let engine: Box<dyn Engine> = match of {
            Name::Flux => Box::new(Flux::new(parts)?),
            Name::Bare | Name::Capstan => Box::new(Capstan::new()?),
        };
        let ground = Ground::prepare(parts, options).await?;
        let running = Running::start(&*engine, ground.place())?;
        Ok(Self { of, ground, running, engine, samples: Vec::new() })
    }

    /// Ends the engine and starts it again with what it has stored.
    pub(crate) async fn restart(self) -> Result<Self> {
        let Self { of, ground, running, engine, samples } = self;
        running.stop().await;
        let running = Running::start(&*engine, ground.place())?;
        Ok(Self { of, ground, running, engine, samples })
    }

    pub(crate) async fn stopwatch(&self) -> Result<Stopwatch<'_>> {
        self.running.check()?;
        Stopwatch::start(&self.ground, self.running.process_ids()).await
    }

    pub(crate) fn note(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Ends everything; gives what was measured.
    async fn end(self, options: &Options) -> Vec<Sample> {
        self.running.stop().await;
        self.ground.end(options.keep).await;
        self.samples
    }
}
