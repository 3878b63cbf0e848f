//! AWS resources that the applications of this cluster ask for, with this cluster's own identity.

use capstan_model::NamespacedName;
use capstan_provision::Options;
use capstan_runtime::Stop;

use crate::world::World;

/// Reconciles managed resources until `stop`.
pub(crate) async fn run(world: World, stop: Stop) {
    let mut options = Options::new(world.cluster.clone(), capstan_kinds::all());
    let (namespace, name) = &world.args.aws_service_account;
    options.aws_service_account = NamespacedName::new(namespace, name);
    capstan_provision::run(options, stop).await;
}
