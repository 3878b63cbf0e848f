use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::sync::Mutex;

use crate::clients::Clients;
use crate::error::CloudError;
use crate::identity::{AssumeRole, Credential, Identity, WebIdentityProvider};
use crate::region;

/// Identities that are remembered while nobody uses them.
const MOST: usize = 256;

/// Every connection to AWS, one an identity and region. `AWS_ENDPOINT_URL` is honoured for all services.
#[derive(Debug, Default)]
pub struct Cloud {
    clients: Mutex<HashMap<(String, String), Arc<Clients>>>,
}

impl Cloud {
    /// Nothing is connected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The clients of an identity in a region. No call is made here: credentials are got by the first call that needs them.
    pub async fn clients(
        &self,
        identity: &Identity,
        region: &str,
    ) -> Result<Arc<Clients>, CloudError> {
        if !region::is_well_formed(region) {
            let message = format!("`{region}` is not the name of a region, such as eu-west-1");
            return Err(CloudError::invalid("sts", "connect", message));
        }
        let key = (identity.key(), region.to_owned());
        let mut clients = self.clients.lock().await;
        if let Some(known) = clients.get(&key) {
            return Ok(Arc::clone(known));
        }
        // Each region gets its own: one that cannot be reached must not keep the others from theirs.
        let provider = provider(identity, region).await;
        let config = loader(region).credentials_provider(provider).load().await;
        let fresh = Arc::new(Clients::new(config, region.to_owned()));
        if clients.len() >= MOST {
            clients.retain(|_, known| Arc::strong_count(known) > 1);
        }
        clients.insert(key, Arc::clone(&fresh));
        Ok(fresh)
    }
}

async fn provider(identity: &Identity, region: &str) -> SharedCredentialsProvider {
    let first = first_provider(&identity.credential, region).await;
    match &identity.assume {
        Some(role) => assumed(role, first, region).await,
        None => first,
    }
}

async fn first_provider(credential: &Credential, region: &str) -> SharedCredentialsProvider {
    match credential {
        Credential::WebIdentity(web) => {
            // The exchange itself is not signed.
            let config = loader(region).no_credentials().load().await;
            let sts = aws_sdk_sts::Client::new(&config);
            SharedCredentialsProvider::new(WebIdentityProvider::new(web.clone(), sts))
        }
        Credential::Keys { id, secret, session } => {
            let session = session.as_ref().map(|token| token.expose().clone());
            let keys = Credentials::new(id, secret.expose(), session, None, "capstan-secret");
            SharedCredentialsProvider::new(keys)
        }
        Credential::Environment => {
            let config = loader(region).load().await;
            // The default chain always gives a provider; without keys in it, its calls say so.
            config.credentials_provider().unwrap_or_else(|| {
                SharedCredentialsProvider::new(Credentials::new("", "", None, None, "none"))
            })
        }
    }
}

async fn assumed(
    role: &AssumeRole,
    first: SharedCredentialsProvider,
    region: &str,
) -> SharedCredentialsProvider {
    let config: SdkConfig = loader(region).no_credentials().load().await;
    let mut builder =
        AssumeRoleProvider::builder(&role.role_arn).session_name("capstan").configure(&config);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    SharedCredentialsProvider::new(builder.build_from_provider(first).await)
}

fn loader(region: &str) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
}

#[cfg(test)]
mod tests {
    use super::Cloud;
    use crate::identity::{Credential, Identity};
    use std::sync::Arc;

    #[tokio::test]
    async fn clients_are_shared_by_identity_and_region() {
        let cloud = Cloud::new();
        let keys = |id: &str| Identity {
            credential: Credential::Keys {
                id: id.to_owned(),
                secret: capstan_model::Secret::new("s".to_owned()),
                session: None,
            },
            assume: None,
        };
        let get = async |id, region| cloud.clients(&keys(id), region).await.expect("connects");
        let first = get("a", "eu-west-1").await;
        assert!(Arc::ptr_eq(&first, &get("a", "eu-west-1").await));
        assert!(!Arc::ptr_eq(&first, &get("a", "eu-west-2").await));
        assert!(!Arc::ptr_eq(&first, &get("b", "eu-west-1").await));
    }

    #[tokio::test]
    async fn what_is_not_a_region_is_refused_before_any_call() {
        let identity = Identity { credential: Credential::Environment, assume: None };
        let error = Cloud::new().clients(&identity, "eu-west").await.expect_err("not a region");
        assert_eq!(
            error.to_string(),
            "sts connect failed: `eu-west` is not the name of a region, such as eu-west-1"
        );
    }
}
