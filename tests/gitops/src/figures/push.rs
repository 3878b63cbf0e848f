//! How soon a push is in the cluster.

use std::time::{Duration, Instant};

use anyhow::Result;
use capstan_e2e::look::text;

use super::PATIENCE;
use super::chain::within;
use crate::Options;
use crate::fleet::unit;
use crate::fleet::{LABEL, SOURCE, config_map, git_repository, kustomization, push_value, request};
use crate::objects::{Objects, is_ready_at};
use crate::options::Name;
use crate::run::Subject;
use crate::sample::Sample;

/// Pushes a change of one unit again and again, each time of another unit, and waits until all units are at the new revision.
pub(crate) async fn measure(subject: &mut Subject, options: &Options) -> Result<()> {
    let ground = &subject.ground;
    let mut settings = Objects::watch(&ground.cluster, config_map(), LABEL).await;
    let mut watched = Objects::watch(&ground.cluster, kustomization(), "").await;
    let pushes = if subject.of == Name::Flux { options.pushes_to_flux } else { options.pushes };
    let (mut applied, mut settled) = (Vec::new(), Vec::new());
    for push in 1..=pushes {
        let stopwatch = subject.stopwatch().await?;
        let number = push * 7 % options.units;
        let value = format!("push {push}");
        let revision = push_value(&ground.repo, number, ground.namespaces, &value).await?;
        // What a webhook ends in: the source is asked for.
        let start = Instant::now();
        request(&ground.cluster, &git_repository(), SOURCE, &revision).await?;
        let is_new = |object: &_| text(object, "/data/value") == value;
        let there = settings.until("objects are not new", [unit(number)], PATIENCE, is_new).await?;
        let is_done = |object: &_| is_ready_at(object, &revision);
        let all = (0..options.units).map(unit);
        let done = watched.until("units are not at the revision", all, PATIENCE, is_done).await?;
        applied.push(there - start);
        settled.push(done - start);
        stopwatch.read(&format!("push {push}, applied after {:.2?}", there - start)).await?;
    }
    let (of, units) = (subject.of, options.units);
    let named = |what: &str| format!("push to {units} units: {what}");
    let sample = |what: &str, time, most| Sample::time(of, named(what), time).target(within(most));
    let samples = [
        sample("applied, p50", quantile(&applied, 50), Duration::from_millis(150)),
        sample("applied, p99", quantile(&applied, 99), Duration::from_millis(500)),
        sample("all at the new revision", quantile(&settled, 50), Duration::from_secs(3)),
    ];
    samples.into_iter().for_each(|sample| subject.note(sample));
    Ok(())
}

/// The smallest time that so many of a hundred do not exceed.
fn quantile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Duration, quantile};

    #[test]
    fn the_99th_of_twenty_is_the_worst() {
        let times: Vec<_> = (1..=20).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 50), Duration::from_millis(10));
        assert_eq!(quantile(&times, 99), Duration::from_millis(20));
        assert_eq!(quantile(&[], 50), Duration::ZERO);
    }
}
