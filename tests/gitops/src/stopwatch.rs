use std::time::{Duration, Instant};

use anyhow::Result;
use capstan_e2e::calls::Calls;

use crate::ground::Ground;
use capstan_e2e::usage::processor_time;

/// Times something: on the wall, and in the processors of the engine and of the API server.
pub(crate) struct Stopwatch<'a> {
    ground: &'a Ground,
    engine: Vec<u32>,
    calls: Option<Calls>,
    start: Instant,
    engine_before: Duration,
    server_before: Duration,
}

/// What was read from a stopwatch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) wall: Duration,
    pub(crate) engine: Duration,
    pub(crate) server: Duration,
}

impl<'a> Stopwatch<'a> {
    /// Starts; the processes are those of the engine.
    pub(crate) async fn start(ground: &'a Ground, engine: Vec<u32>) -> Result<Self> {
        let calls = match ground.counts_calls {
            true => Some(Calls::read(&ground.cluster).await?),
            false => None,
        };
        let engine_before = processor_time(&engine)?;
        let server_before = processor_time(&[ground.api_server])?;
        let start = Instant::now();
        Ok(Self { ground, engine, calls, start, engine_before, server_before })
    }

    /// So much wall time until now.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// What it took until now; what the API server was asked for is shown, if that is wanted.
    pub(crate) async fn read(&self, what: &str) -> Result<Reading> {
        let reading = Reading {
            wall: self.elapsed(),
            engine: processor_time(&self.engine)?.saturating_sub(self.engine_before),
            server: processor_time(&[self.ground.api_server])?.saturating_sub(self.server_before),
        };
        let Reading { wall, engine, server } = reading;
        eprintln!("  {what}: {wall:.2?}, engine {engine:.2?}, API server {server:.2?}");
        if let Some(before) = &self.calls {
            eprint!("{}", Calls::read(&self.ground.cluster).await?.since(before));
        }
        Ok(reading)
    }
}
