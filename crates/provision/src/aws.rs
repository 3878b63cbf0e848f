//! How the AWS kinds connect: ProviderConfig `aws.crossplane.io/v1beta1`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capstan_cloud::{
    AssumeRole, BoxError, Class, Clients, CloudError, Credential, Identity, TokenFuture,
    TokenSource, WebIdentity,
};
use capstan_cluster::Cluster;
use capstan_model::{GroupVersionKind, Manifest, NamespacedName, Secret};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::provider::{Connected, Provider};
use crate::secret::read_key;
use crate::world::World;

/// What EKS looks for on a ServiceAccount, and we do too.
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
const AUDIENCE: &str = "sts.amazonaws.com";
const TOKEN_SECONDS: i64 = 3600;
/// How long the role of the ServiceAccount is believed without asking again.
const ROLE_LIFE: Duration = Duration::from_secs(30);

impl Provider for Clients {
    const CONFIG: (&'static str, &'static str) = ("aws.crossplane.io", "v1beta1");

    async fn connect(world: &World, object: &Manifest) -> Result<Connected<Arc<Self>>, CloudError> {
        let config = world.provider_config(Self::CONFIG.0, object);
        let identity = match &config {
            Some(config) => identity(world, config.value()).await?,
            // What is being deleted must not be stuck because the ProviderConfig went first.
            None if object.is_deleting() => injected(world, None).await?,
            None => {
                let name = object
                    .value()
                    .pointer("/spec/providerConfigRef/name")
                    .and_then(Value::as_str)
                    .unwrap_or("default");
                let message =
                    format!("ProviderConfig/{name} of group aws.crossplane.io does not exist");
                return Err(CloudError::new("capstan", "connect", Class::NotFound, message));
            }
        };
        let region = object
            .value()
            .pointer("/spec/forProvider/region")
            .and_then(Value::as_str)
            .filter(|region| !region.is_empty())
            .unwrap_or(&world.options().aws_region);
        world.cloud().clients(&identity, region).await.map(Connected::Live)
    }
}

async fn identity(world: &World, config: &Value) -> Result<Identity, CloudError> {
    let text = |pointer: &str| {
        config.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    };
    let source = text("/spec/credentials/source").unwrap_or("InjectedIdentity");
    let mut identity = match source {
        "InjectedIdentity" => {
            injected(world, text("/spec/assumeRoleWithWebIdentity/roleARN")).await?
        }
        "Secret" => Identity { credential: keys(world, config).await?, assume: None },
        "None" | "Environment" => Identity { credential: Credential::Environment, assume: None },
        other => {
            let message = format!(
                "spec.credentials.source `{other}` is not supported: use InjectedIdentity or Secret"
            );
            return Err(CloudError::invalid("capstan", "connect", message));
        }
    };
    let role = text("/spec/assumeRole/roleARN").or_else(|| text("/spec/assumeRoleARN"));
    let external_id = text("/spec/assumeRole/externalID").or_else(|| text("/spec/externalID"));
    identity.assume = role.map(|role_arn| AssumeRole {
        role_arn: role_arn.to_owned(),
        external_id: external_id.map(str::to_owned),
    });
    Ok(identity)
}

async fn injected(world: &World, role: Option<&str>) -> Result<Identity, CloudError> {
    world.injected.identity(role).await
}

/// Keys from a Secret in the form of the AWS credentials file.
async fn keys(world: &World, config: &Value) -> Result<Credential, CloudError> {
    let text = read_key(world.cluster(), &config["spec"]["credentials"]["secretRef"]).await?;
    read_keys(text.expose()).ok_or_else(|| {
        let message = "the credentials Secret has no aws_access_key_id and aws_secret_access_key under [default]";
        CloudError::invalid("capstan", "connect", message)
    })
}

fn read_keys(text: &str) -> Option<Credential> {
    let mut profile = String::new();
    let (mut id, mut secret, mut session) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            profile = name.trim().to_owned();
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| profile == "default") else {
            continue;
        };
        let value = value.trim().to_owned();
        match key.trim() {
            "aws_access_key_id" => id = Some(value),
            "aws_secret_access_key" => secret = Some(Secret::new(value)),
            "aws_session_token" => session = Some(Secret::new(value)),
            _ => {}
        }
    }
    Some(Credential::Keys { id: id?, secret: secret?, session })
}

/// A ServiceAccount of a cluster as a role, by tokens from the TokenRequest API.
pub fn account_identity(
    cluster: &Cluster,
    account: &NamespacedName,
    role_arn: String,
    session_name: String,
) -> Identity {
    Identity::web(WebIdentity {
        role_arn,
        session_name,
        source: Arc::new(AccountTokens { cluster: cluster.clone(), account: account.clone() }),
        source_key: account.to_string(),
        sts_endpoint: None,
    })
}

/// The process's own identity: a ServiceAccount, its role annotation, and tokens from the TokenRequest API.
pub(crate) struct Injected {
    cluster: Cluster,
    account: NamespacedName,
    role: Mutex<Option<(Instant, String)>>,
}

impl Injected {
    pub(crate) fn new(cluster: Cluster, account: NamespacedName) -> Self {
        Self { cluster, account, role: Mutex::new(None) }
    }

    async fn identity(&self, role: Option<&str>) -> Result<Identity, CloudError> {
        let role_arn = match role {
            Some(role) => role.to_owned(),
            None => self.role().await?,
        };
        let name = session_name(&self.account.name);
        Ok(account_identity(&self.cluster, &self.account, role_arn, name))
    }

    async fn role(&self) -> Result<String, CloudError> {
        let mut role = self.role.lock().await;
        if let Some((_, arn)) = role.as_ref().filter(|(at, _)| at.elapsed() < ROLE_LIFE) {
            return Ok(arn.clone());
        }
        let account = &self.account;
        let kind = GroupVersionKind::new("", "v1", "ServiceAccount");
        let error = |class, message: String| CloudError::new("capstan", "connect", class, message);
        let found = self
            .cluster
            .get(&kind, &account.namespace, &account.name)
            .await
            .map_err(|cause| error(Class::Unanswered, cause.to_string()))?
            .ok_or_else(|| {
                error(Class::NotFound, format!("ServiceAccount {account} does not exist"))
            })?;
        let arn =
            found.annotation(ROLE_ANNOTATION).filter(|arn| !arn.is_empty()).ok_or_else(|| {
                let message =
                    format!("ServiceAccount {account} has no annotation {ROLE_ANNOTATION}");
                error(Class::NotFound, message)
            })?;
        *role = Some((Instant::now(), arn.to_owned()));
        Ok(arn.to_owned())
    }
}

/// Session names are at most 64 characters of a small alphabet.
fn session_name(account: &str) -> String {
    let clean =
        account.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' });
    clean.take(64).collect()
}

struct AccountTokens {
    cluster: Cluster,
    account: NamespacedName,
}

impl TokenSource for AccountTokens {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let NamespacedName { namespace, name } = &self.account;
            self.cluster
                .service_account_token(namespace, name, AUDIENCE, TOKEN_SECONDS)
                .await
                .map(|answer| answer.token)
                .map_err(BoxError::from)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Credential, read_keys, session_name};

    #[test]
    fn keys_come_from_the_default_profile() {
        let text = "[other]\naws_access_key_id = X\n[default]\naws_access_key_id = AKID\naws_secret_access_key=s=1\n";
        let Some(Credential::Keys { id, secret, session }) = read_keys(text) else {
            panic!("the keys are there")
        };
        assert_eq!((id.as_str(), secret.expose().as_str(), session), ("AKID", "s=1", None));
        assert!(read_keys("[default]\naws_access_key_id = AKID\n").is_none());
    }

    #[test]
    fn a_session_is_named_after_its_account() {
        assert_eq!(session_name("provider-aws-capstan"), "provider-aws-capstan");
        assert_eq!(session_name("a.b/c"), "a-b-c");
        assert_eq!(session_name(&"x".repeat(99)).len(), 64);
    }
}
