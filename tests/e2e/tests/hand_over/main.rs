//! A cluster goes from Flux's controllers to our agent and back: nobody writes to what is applied already, and each reads what
//! the other has reported.
#![expect(clippy::print_stdout, reason = "a test says that it was skipped")]

mod evidence;
mod fleet;

use anyhow::{Context, Result, ensure};
use capstan_e2e::bare::Bare;
use capstan_e2e::engine::{Capstan, Engine, Flux, Place, Running};
use capstan_kit::{Part, Parts};

use evidence::Evidence;
use fleet::Fleet;

/// How many units an engine works on at once.
const CONCURRENT: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_handed_over_and_back_without_a_write() -> Result<()> {
    let wanted: Vec<Part> = Bare::PARTS.into_iter().chain(Part::FLUX_CONTROLLERS).collect();
    let parts = match Parts::get(&wanted).await {
        Ok(parts) => parts,
        Err(error) => {
            println!("SKIPPED hand over: {error:#}");
            return Ok(());
        }
    };
    let bare = Bare::start(&parts).await?;
    let fleet = Fleet::push(&bare).await?;
    let place = bare.place(CONCURRENT)?;
    let flux = Flux::new(&parts)?.requeue_dependency("1s");
    let capstan = Capstan::new()?;

    let running = Running::start(&flux, &place)?;
    fleet.create().await?;
    fleet.is_ready().await.context("Flux at first")?;
    running.stop().await;

    for round in 1..=2 {
        for engine in [&capstan as &dyn Engine, &flux] {
            let who = || format!("{} in round {round}", engine.name());
            taken_over(&fleet, engine, &place).await.with_context(who)?;
        }
    }
    bare.end(false).await;
    Ok(())
}

/// An engine starts where the other has stopped: it looks at everything and changes nothing; then a push works.
async fn taken_over(fleet: &Fleet<'_>, engine: &dyn Engine, place: &Place) -> Result<()> {
    let before = Evidence::gather(fleet.cluster()).await?;
    let running = Running::start(engine, place)?;
    fleet.ask().await?;
    let after = Evidence::gather(fleet.cluster()).await?;
    after.is_untouched_since(&before)?;
    let pushed = fleet.push_change().await?;
    ensure!(!Evidence::gather(fleet.cluster()).await?.has(&pushed.gone), "it was not pruned");
    running.stop().await;
    Ok(())
}
