use std::sync::Arc;

use capstan_model::Secret;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::bearer::BearerSource;
use crate::{Cluster, guard};

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither `KUBECONFIG` nor a pod's service account leads to a cluster.
    #[error("no cluster is configured: set KUBECONFIG, or run in a pod with a service account")]
    Infer(#[source] Box<kube::config::InferConfigError>),
    /// A kubeconfig could not be read.
    #[error("the kubeconfig is not usable: {0}")]
    Kubeconfig(String),
    /// The TLS or proxy settings are not usable.
    #[error("the client could not be built")]
    Client(#[source] Box<kube::Error>),
}

impl Cluster {
    /// The cluster that `KUBECONFIG` or the pod's service account names.
    pub async fn infer() -> Result<Self, ConnectError> {
        Self::from_config(inferred().await?)
    }

    /// The same, for what is to be changed also while another process leads.
    pub async fn infer_unfenced() -> Result<Self, ConnectError> {
        let config = inferred().await?;
        let client = guard::client(config.clone(), false, None)?;
        Ok(Self::new(client, config))
    }

    /// The cluster of a kubeconfig that came as data, from a Secret.
    ///
    /// Only what data can carry is taken: a kubeconfig that names a program, a file or an auth provider is refused, because
    /// whoever may write the Secret must not run or read anything here.
    pub async fn from_untrusted_kubeconfig(text: &Secret<String>) -> Result<Self, ConnectError> {
        let refuse = |what: &str| ConnectError::Kubeconfig(what.to_owned());
        let kubeconfig = Kubeconfig::from_yaml(text.expose())
            .map_err(|_| refuse("it does not parse as a kubeconfig"))?;
        for named in &kubeconfig.auth_infos {
            let Some(auth) = &named.auth_info else { continue };
            if auth.exec.is_some() || auth.auth_provider.is_some() {
                return Err(refuse("it runs a program; put a token or a certificate into it"));
            }
            let files = [&auth.token_file, &auth.client_certificate, &auth.client_key];
            if files.iter().any(|file| file.is_some()) {
                return Err(refuse("it refers to a file; put the data into it"));
            }
        }
        let has_file = |named: &kube::config::NamedCluster| {
            named.cluster.as_ref().is_some_and(|cluster| cluster.certificate_authority.is_some())
        };
        if kubeconfig.clusters.iter().any(has_file) {
            return Err(refuse("it refers to a file; put certificate-authority-data into it"));
        }
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| ConnectError::Kubeconfig(error.to_string()))?;
        Self::from_config(config)
    }

    /// The cluster of a ready-made configuration.
    pub fn from_config(config: Config) -> Result<Self, ConnectError> {
        Self::made(config, None)
    }

    /// The same cluster, which is shown a token of this source with each request.
    pub fn with_bearer(&self, source: Arc<dyn BearerSource>) -> Result<Self, ConnectError> {
        Self::made(self.config().clone(), Some(source))
    }

    /// The same cluster, seen as another user: `system:serviceaccount:<namespace>:<name>`.
    pub fn impersonate(&self, user: &str) -> Result<Self, ConnectError> {
        let mut config = self.config().clone();
        config.auth_info.impersonate = Some(user.to_owned());
        Self::made(config, self.bearer.clone())
    }

    fn made(config: Config, bearer: Option<Arc<dyn BearerSource>>) -> Result<Self, ConnectError> {
        let client = guard::client(config.clone(), true, bearer.clone())?;
        let mut made = Self::new(client, config);
        made.bearer = bearer;
        Ok(made)
    }
}

async fn inferred() -> Result<Config, ConnectError> {
    Config::infer().await.map_err(|error| ConnectError::Infer(Box::new(error)))
}
