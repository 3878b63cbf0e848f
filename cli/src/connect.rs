use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DynamicObject;
use kube::{Api, Client, Config};

use crate::args::Cluster;
use crate::discovery::Kind;
use crate::failure::Failure;

/// A client for the cluster that the flags name.
pub(crate) async fn client(cluster: &Cluster) -> Result<Client, Failure> {
    let options = KubeConfigOptions { context: cluster.context.clone(), ..Default::default() };
    let config = match &cluster.kubeconfig {
        Some(file) => {
            let kubeconfig = Kubeconfig::read_from(file).map_err(|error| unusable(&error))?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await
        }
        None if cluster.context.is_some() => Config::from_kubeconfig(&options).await,
        None => {
            let config = Config::infer().await.map_err(|error| unusable(&error))?;
            return Ok(Client::try_from(config)?);
        }
    };
    let config = config.map_err(|error| unusable(&error))?;
    Ok(Client::try_from(config)?)
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
