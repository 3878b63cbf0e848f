//! AWS resources that the applications of this cluster ask for, with this cluster's own identity.

use capstan_runtime::Stop;

use crate::world::World;

/// Reconciles managed resources until `stop`.
pub(crate) async fn run(_world: World, stop: Stop) {
    stop.cancelled().await;
}
