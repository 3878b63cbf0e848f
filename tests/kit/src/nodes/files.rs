//! The folder of a pod: volumes, tokens, kubeconfig.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, ServiceAccount};
use kube::api::PostParams;
use kube::{Api, Client};

use super::pod_env::{Data, service_account};
use super::volumes::{Content, VolumeFile};
use crate::plane::{Target, User, kubeconfig};

/// The annotation with which EKS is told the role of a ServiceAccount.
const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The audience of tokens for AWS.
pub const STS_AUDIENCE: &str = "sts.amazonaws.com";

/// Data of the named ConfigMaps and Secrets; those that are not there are left out.
pub(super) async fn read_data(
    client: &Client,
    namespace: &str,
    maps: &[String],
    secrets: &[String],
) -> Result<(Data, Data)> {
    let (mut map_data, mut secret_data) = (Data::new(), Data::new());
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    for name in maps {
        if let Some(map) = api.get_opt(name).await? {
            map_data.insert(name.clone(), map_entries(map));
        }
    }
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    for name in secrets {
        if let Some(secret) = api.get_opt(name).await? {
            let entries = secret.data.unwrap_or_default();
            let entries = entries.into_iter().map(|(key, value)| (key, value.0)).collect();
            secret_data.insert(name.clone(), entries);
        }
    }
    Ok((map_data, secret_data))
}

fn map_entries(map: ConfigMap) -> BTreeMap<String, Vec<u8>> {
    let text = map.data.unwrap_or_default().into_iter();
    let binary = map.binary_data.unwrap_or_default().into_iter();
    text.map(|(key, value)| (key, value.into_bytes()))
        .chain(binary.map(|(key, value)| (key, value.0)))
        .collect()
}

/// The role that the pod's ServiceAccount asks for, if any.
pub(super) async fn role_arn(client: &Client, pod: &Pod) -> Result<Option<String>> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = api.get(service_account(pod)).await?;
    Ok(account.metadata.annotations.and_then(|mut all| all.remove(ROLE_ANNOTATION)))
}

/// Tokens of one pod, written to files and renewed.
pub(super) struct Tokens {
    client: Client,
    pod: Pod,
    files: Vec<VolumeFile>,
}

impl Tokens {
    pub(super) fn new(client: Client, pod: Pod, files: Vec<VolumeFile>) -> Self {
        Self { client, pod, files }
    }

    /// Writes all tokens once, and says when to do it again: at two thirds of the shortest life.
    pub(super) async fn write(&self) -> Result<Duration> {
        let mut again = Duration::from_secs(3600);
        for file in &self.files {
            let Content::Token { audience, seconds } = &file.content else { continue };
            let token = request(&self.client, &self.pod, audience.clone(), *seconds).await?;
            write_file(&file.path, token.as_bytes())?;
            again = again.min(Duration::from_secs(seconds.unsigned_abs()) * 2 / 3);
        }
        Ok(again)
    }

    /// Renews the tokens for ever.
    pub(super) async fn renew(&self, mut again: Duration) {
        loop {
            tokio::time::sleep(again).await;
            again = self.write().await.unwrap_or(Duration::from_secs(5));
        }
    }
}

/// A token bound to the pod: it ends with it.
async fn request(
    client: &Client,
    pod: &Pod,
    audience: Option<String>,
    seconds: i64,
) -> Result<String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: audience.into_iter().collect(),
            expiration_seconds: Some(seconds),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".into()),
                kind: Some("Pod".into()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
        },
        ..TokenRequest::default()
    };
    let account = service_account(pod);
    let answer = api
        .create_token_request(account, &PostParams::default(), &request)
        .await
        .with_context(|| format!("no token for ServiceAccount {namespace}/{account}"))?;
    answer.status.map(|status| status.token).context("the API server sent no token")
}

/// The pod's own kubeconfig, with a token file beside it.
pub(super) fn kubeconfig_files(
    pod: &Pod,
    dir: &Path,
    target: &Target,
) -> (PathBuf, Vec<VolumeFile>) {
    let token = dir.join("kube/token");
    let user = User::TokenFile(token.display().to_string());
    let text = kubeconfig(target, &user, pod.metadata.namespace.as_deref());
    let path = dir.join("kube/config");
    let config = VolumeFile { path: path.clone(), content: Content::Bytes(text.into_bytes()) };
    let content = Content::Token { audience: None, seconds: 3600 };
    (path, vec![config, VolumeFile { path: token, content }])
}

/// Writes the files that hold bytes, and makes the folders of all.
pub(super) fn write_all(files: &[VolumeFile]) -> Result<()> {
    for file in files {
        if let Some(dir) = file.path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        if let Content::Bytes(bytes) = &file.content {
            write_file(&file.path, bytes)?;
        }
    }
    Ok(())
}

/// Writes a file so that a reader sees the old or the new one, never half of it.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).with_context(|| format!("cannot write {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("cannot write {}", path.display()))
}
