//! What it costs to look at everything when nothing has changed.

use anyhow::Result;
use capstan_bench::table::Target;
use capstan_e2e::look::text;
use capstan_model::Manifest;

use super::PATIENCE;
use super::bare::request_all;
use crate::fleet::{kustomization, unit};
use crate::objects::{Objects, is_ready};
use crate::run::Subject;
use crate::sample::{FLUX, Sample};

const TOKEN: &str = "2030-01-01T00:00:00Z";

/// Asks every unit for a reconciliation, and waits until each has answered and is ready.
pub(crate) async fn measure(subject: &mut Subject, units: usize) -> Result<()> {
    let ground = &subject.ground;
    let mut watched = Objects::watch(&ground.cluster, kustomization(), "").await;
    let stopwatch = subject.stopwatch().await?;
    request_all(ground, units, TOKEN).await?;
    let has_answered = |object: &Manifest| {
        text(object, "/status/lastHandledReconcileAt") == TOKEN && is_ready(object)
    };
    watched.until("units have not answered", (0..units).map(unit), PATIENCE, has_answered).await?;
    let reading = stopwatch.read(&figure(units)).await?;
    let of = subject.of;
    let parts = [
        (figure(units), reading.wall),
        (format!("{}: engine CPU", figure(units)), reading.engine),
        (server_figure(units), reading.server),
    ];
    for (figure, time) in parts {
        subject.note(Sample::time(of, figure, time).target(Target::Of(FLUX, 0.05)));
    }
    Ok(())
}

pub(super) fn figure(units: usize) -> String {
    format!("forced pass over {units} that changes nothing")
}

pub(super) fn server_figure(units: usize) -> String {
    format!("{}: API server CPU", figure(units))
}
