//! Temporary.
use capstan_cluster::{ApplyOptions, Cluster};
use capstan_model::Manifest;
#[tokio::main]
async fn main() {
    capstan_runtime::init_logging(false, "info");
    let cluster = Cluster::infer().await.unwrap();
    for crd in capstan_kinds::crds() {
        let mut value = serde_json::to_value(&crd).unwrap();
        value["apiVersion"] = "apiextensions.k8s.io/v1".into();
        value["kind"] = "CustomResourceDefinition".into();
        let m = Manifest::try_from(value).unwrap();
        cluster.apply(&m, ApplyOptions { field_manager: "smoke", force: true, dry_run: false }).await.unwrap();
    }
    let mut options = capstan_provision::Options::new(cluster, capstan_kinds::all());
    options.visibility_window = std::time::Duration::from_secs(15);
    let stop = capstan_runtime::Stop::new();
    tokio::spawn(capstan_runtime::stop_on_signals(stop.clone()));
    capstan_provision::run(options, stop).await;
}
