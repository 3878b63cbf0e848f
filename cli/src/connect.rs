use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DynamicObject;
use kube::{Api, Client, Config};

use crate::args::Cluster;
use crate::discovery::Kind;
use crate::failure::Failure;

/// A client for the cluster that the flags name.
pub(crate) async fn client(cluster: &Cluster) -> Result<Client, Failure> {
    if cluster.kubeconfig.is_none() && cluster.context.is_none() {
        let config = Config::infer().await.map_err(|error| unusable(&error))?;
        return Ok(Client::try_from(config)?);
    }
    let read = match &cluster.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let kubeconfig = read.map_err(|error| unusable(&error))?;
    if let Some(context) = &cluster.context {
        check_context(&kubeconfig, context)?;
    }
    let options = KubeConfigOptions { context: cluster.context.clone(), ..Default::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Ok(Client::try_from(config.map_err(|error| unusable(&error))?)?)
}

fn check_context(kubeconfig: &Kubeconfig, context: &str) -> Result<(), Failure> {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|known| &*known.name).collect();
    if names.contains(&context) {
        return Ok(());
    }
    Err(Failure::new(format!("the kubeconfig has no context `{context}`"))
        .hint(format!("it has: {}", names.join(", "))))
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(format!("no usable kubeconfig: {}", capstan_model::Chain(error)))
        .hint("name a file with --kubeconfig or $KUBECONFIG, and a context in it with --context")
}

/// The objects of a kind, in one namespace or in all.
pub(crate) fn api(client: &Client, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = kind.resource();
    match namespace {
        Some(namespace) if kind.namespaced => {
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
        _ => Api::all_with(client.clone(), &resource),
    }
}
