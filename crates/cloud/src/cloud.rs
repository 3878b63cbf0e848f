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
            let mut loader = loader(region).no_credentials();
            if let Some(endpoint) = &web.sts_endpoint {
                loader = loader.endpoint_url(endpoint);
            }
            let config = loader.load().await;
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
    use crate::identity::{Credential, Identity, WebIdentity};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

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
    async fn a_token_is_sent_to_the_endpoint_that_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let served = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a call");
            let mut asked = Vec::new();
            // The token is the last that the form says.
            while !asked.windows(9).any(|window| window == b"the-token") {
                assert!(socket.read_buf(&mut asked).await.expect("a request") > 0);
            }
            let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
            let answer =
                format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            socket.write_all(answer.as_bytes()).await.expect("sent");
        });
        let web = WebIdentity {
            role_arn: "arn:aws:iam::1:role/a".to_owned(),
            session_name: "a-test".to_owned(),
            source: Arc::new(|| async { Ok(capstan_model::Secret::new("the-token".to_owned())) }),
            source_key: "ns/sa".to_owned(),
            sts_endpoint: None,
        };
        let identity = Identity::web(web).with_sts_endpoint(&endpoint);
        let clients = Cloud::new().clients(&identity, "eu-west-1").await.expect("connects");
        let error = clients.authenticate().await.expect_err("denied");
        served.await.expect("it was asked");
        assert_eq!(error.to_string(), "sts AssumeRoleWithWebIdentity was denied: AccessDenied: no");
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
