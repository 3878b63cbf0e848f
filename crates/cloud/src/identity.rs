use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use capstan_model::Secret;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::error::{Class, CloudError};
use crate::sdk::judge;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A token under way.
pub type TokenFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Secret<String>, BoxError>> + Send + 'a>>;

/// Gives a fresh web identity token with the audience `sts.amazonaws.com`.
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is valid for at least the next minutes.
    fn token(&self) -> TokenFuture<'_>;
}

impl<F, Fut> TokenSource for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Secret<String>, BoxError>> + Send + 'static,
{
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self())
    }
}

/// As whom calls are made.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What is shown first.
    pub credential: Credential,
    /// A role that is assumed with it.
    pub assume: Option<AssumeRole>,
}

/// A role that is assumed with other credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// ARN of the role.
    pub role_arn: String,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
}

/// What is shown to AWS first.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A ServiceAccount token, exchanged for a role's credentials.
    WebIdentity(WebIdentity),
    /// Keys of a user, from a Secret.
    Keys {
        /// Access key id.
        id: String,
        /// Secret access key.
        secret: Secret<String>,
        /// Session token of temporary keys.
        session: Option<Secret<String>>,
    },
    /// The SDK's default chain: environment, files, instance metadata.
    Environment,
}

/// A role that trusts a web identity.
#[derive(Clone)]
pub struct WebIdentity {
    /// ARN of the role.
    pub role_arn: String,
    /// Name of the session, as CloudTrail shows it.
    pub session_name: String,
    /// Where the token comes from.
    pub source: Arc<dyn TokenSource>,
    /// Tells sources apart: credentials are shared by equal (role, session, key).
    pub source_key: String,
    /// Where STS is asked, when it is not the region's.
    pub sts_endpoint: Option<String>,
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity")
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .field("source_key", &self.source_key)
            .field("sts_endpoint", &self.sts_endpoint)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// This process: the SDK's default chain. Where that exchanges a token in a file, and an endpoint of STS is given, the
    /// token is sent there.
    pub fn own(sts_endpoint: Option<&str>) -> Self {
        let chain = Self { credential: Credential::Environment, assume: None };
        let Some(endpoint) = sts_endpoint else { return chain };
        let said = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let (role, file) = (said("AWS_ROLE_ARN"), said("AWS_WEB_IDENTITY_TOKEN_FILE"));
        // Keys come first in the chain.
        match (said("AWS_ACCESS_KEY_ID"), role, file) {
            (None, Some(role), Some(file)) => Self::web(of_file(role, file, endpoint)),
            _ => chain,
        }
    }

    /// The same, whose web identity is exchanged at another endpoint of STS.
    #[must_use]
    pub fn with_sts_endpoint(mut self, endpoint: &str) -> Self {
        if let Credential::WebIdentity(web) = &mut self.credential {
            web.sts_endpoint = Some(endpoint.to_owned());
        }
        self
    }

    /// The role that a web identity is exchanged for.
    pub const fn web(web: WebIdentity) -> Self {
        Self { credential: Credential::WebIdentity(web), assume: None }
    }

    /// Equal keys share credentials and clients. Secret parts enter as a digest.
    pub fn key(&self) -> String {
        let first = match &self.credential {
            Credential::WebIdentity(web) => {
                let endpoint = web.sts_endpoint.as_deref().unwrap_or_default();
                let WebIdentity { role_arn, session_name, source_key, .. } = web;
                format!("web {role_arn} {session_name} {source_key} {endpoint}")
            }
            Credential::Keys { id, secret, session } => {
                let mut digest = Sha256::new();
                digest.update(secret.expose());
                digest.update([0]);
                digest.update(session.as_ref().map_or("", |token| token.expose().as_str()));
                format!("keys {id} {}", hex::encode(digest.finalize()))
            }
            Credential::Environment => "environment".to_owned(),
        };
        match &self.assume {
            Some(AssumeRole { role_arn, external_id }) => {
                format!("{first} then {role_arn} {}", external_id.as_deref().unwrap_or_default())
            }
            None => first,
        }
    }
}

/// The web identity that a pod finds in a file.
fn of_file(role_arn: String, file: String, endpoint: &str) -> WebIdentity {
    let name = std::env::var("AWS_ROLE_SESSION_NAME").ok().filter(|name| !name.is_empty());
    let source_key = format!("file {file}");
    let source = move || {
        let file = file.clone();
        async move {
            let read = tokio::fs::read_to_string(&file).await;
            let token = read.map_err(|error| format!("{file} cannot be read: {error}"))?;
            Ok(Secret::new(token.trim().to_owned()))
        }
    };
    WebIdentity {
        role_arn,
        session_name: name.unwrap_or_else(|| "capstan".to_owned()),
        source: Arc::new(source),
        source_key,
        sts_endpoint: Some(endpoint.to_owned()),
    }
}

/// What was got, and until when it is used without asking again.
struct Held {
    credentials: Credentials,
    expires: SystemTime,
    renew_at: SystemTime,
}

/// Exchanges a token for a role's credentials, and again at two thirds of their life.
pub(crate) struct WebIdentityProvider {
    web: WebIdentity,
    sts: aws_sdk_sts::Client,
    held: Mutex<Option<Held>>,
}

impl WebIdentityProvider {
    pub(crate) fn new(web: WebIdentity, sts: aws_sdk_sts::Client) -> Self {
        Self { web, sts, held: Mutex::new(None) }
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let mut held = self.held.lock().await;
        let now = SystemTime::now();
        if let Some(held) = held.as_ref().filter(|held| now < held.renew_at) {
            return Ok(held.shown(held.renew_at));
        }
        match self.exchange(now).await {
            Ok(fresh) => {
                let shown = fresh.shown(fresh.renew_at);
                *held = Some(fresh);
                Ok(shown)
            }
            Err(error) => match held.as_ref().filter(|held| now < held.expires) {
                Some(held) => {
                    tracing::warn!(role = self.web.role_arn, %error, "credentials not renewed, the old ones are used");
                    Ok(held.shown(held.expires.min(now + Duration::from_secs(60))))
                }
                None => Err(CredentialsError::provider_error(error)),
            },
        }
    }

    async fn exchange(&self, now: SystemTime) -> Result<Held, CloudError> {
        const OPERATION: &str = "AssumeRoleWithWebIdentity";
        let token = self.web.source.token().await.map_err(|cause| {
            CloudError::new(
                "sts",
                OPERATION,
                Class::NotYet,
                format!("no web identity token: {cause}"),
            )
        })?;
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&self.web.role_arn)
            .role_session_name(&self.web.session_name)
            .web_identity_token(token.expose())
            .send()
            .await
            .map_err(|cause| judge("sts", OPERATION, &cause))?;
        let given = answer.credentials().ok_or_else(|| {
            CloudError::new("sts", OPERATION, Class::Unanswered, "the answer holds no credentials")
        })?;
        let expires = SystemTime::try_from(*given.expiration())
            .unwrap_or_else(|_| now + Duration::from_secs(900));
        let life = expires.duration_since(now).unwrap_or_default();
        let credentials = Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            Some(expires),
            "capstan-web-identity",
        );
        Ok(Held { credentials, expires, renew_at: now + life * 2 / 3 })
    }
}

impl Held {
    /// The credentials with the time at which the SDK shall ask again.
    fn shown(&self, until: SystemTime) -> Credentials {
        let mut credentials = self.credentials.clone();
        *credentials.expiry_mut() = Some(until);
        credentials
    }
}

impl fmt::Debug for WebIdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.web.fmt(f)
    }
}

impl ProvideCredentials for WebIdentityProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::{AssumeRole, Credential, Identity, WebIdentity};
    use capstan_model::Secret;
    use std::sync::Arc;

    fn web(role: &str) -> Identity {
        Identity::web(WebIdentity {
            role_arn: role.to_owned(),
            session_name: "s".to_owned(),
            source: Arc::new(|| async { Ok(Secret::new("token".to_owned())) }),
            source_key: "ns/sa".to_owned(),
            sts_endpoint: None,
        })
    }

    #[test]
    fn identities_share_only_when_everything_is_equal() {
        assert_eq!(web("a").key(), web("a").key());
        assert_ne!(web("a").key(), web("b").key());
        let assumed = Identity {
            assume: Some(AssumeRole { role_arn: "c".to_owned(), external_id: None }),
            ..web("a")
        };
        assert_ne!(assumed.key(), web("a").key());
        let elsewhere = web("a").with_sts_endpoint("https://sts.amazonaws.com");
        assert_ne!(elsewhere.key(), web("a").key());
    }

    #[test]
    fn no_key_holds_a_secret() {
        let identity = Identity {
            credential: Credential::Keys {
                id: "AKID".to_owned(),
                secret: Secret::new("hunter2".to_owned()),
                session: None,
            },
            assume: None,
        };
        assert!(
            !identity.key().contains("hunter2") && !format!("{identity:?}").contains("hunter2")
        );
    }
}
