//! AWS KMS, for what SOPS encrypted.

use capstan_api::flux::KustomizationSpec;
use capstan_cloud::{AssumeRole, CloudError, Credential, Identity};
use capstan_model::{Fault, Manifest, NamespacedName, Retry, Secret};
use capstan_sops::{AwsCredentials, AwsKmsKey, KeyService, ServiceError};
use tokio::runtime::Handle;

use crate::aws::{self, NoAccess};
use crate::world::World;

/// Asks AWS KMS on behalf of a unit. Only a thread that may wait can use it.
pub(super) struct AwsKms {
    world: World,
    account: Option<NamespacedName>,
    runtime: Handle,
}

impl AwsKms {
    pub(super) fn new(world: &World, unit: &Manifest, spec: &KustomizationSpec) -> Self {
        let account = account(world, spec).map(|name| NamespacedName::new(unit.namespace(), name));
        Self { world: world.clone(), account, runtime: Handle::current() }
    }

    async fn decrypt(
        &self,
        key: &AwsKmsKey,
        credentials: Option<&AwsCredentials>,
        ciphertext: &[u8],
    ) -> Result<Secret<Vec<u8>>, ServiceError> {
        let region = key.region().ok_or_else(|| ServiceError {
            message: format!("no valid ARN found in '{}'", key.arn),
            retry: Retry::AfterChange,
        })?;
        let clients = match self.identity(key, credentials, region).await? {
            Some(identity) => aws::open(&self.world, &identity, region).await,
            None => aws::clients(&self.world, self.account.as_ref(), region).await,
        };
        let clients = clients.map_err(no_access)?;
        let answer = clients.decrypt(&key.arn, &key.context, ciphertext).await;
        answer.map_err(|error| refused(key, &error))
    }

    /// As whom to ask, where it is not simply the ServiceAccount or this process.
    async fn identity(
        &self,
        key: &AwsKmsKey,
        credentials: Option<&AwsCredentials>,
        region: &str,
    ) -> Result<Option<Identity>, ServiceError> {
        let assume = (!key.role.is_empty())
            .then(|| AssumeRole { role_arn: key.role.clone(), external_id: None });
        match (credentials, assume) {
            (None, None) => Ok(None),
            (Some(credentials), assume) => {
                Ok(Some(Identity { credential: keys(credentials)?, assume }))
            }
            (None, assume) => {
                let first = aws::identity(&self.world, self.account.as_ref(), region).await;
                Ok(Some(Identity { assume, ..first.map_err(no_access)? }))
            }
        }
    }
}

impl KeyService for AwsKms {
    fn aws_kms(
        &self,
        key: &AwsKmsKey,
        credentials: Option<&AwsCredentials>,
        ciphertext: &[u8],
    ) -> Result<Secret<Vec<u8>>, ServiceError> {
        self.runtime.block_on(self.decrypt(key, credentials, ciphertext))
    }
}

/// The ServiceAccount that decrypts for a unit, if one does.
pub(super) fn account<'a>(world: &'a World, spec: &'a KustomizationSpec) -> Option<&'a str> {
    let given = spec.decryption.as_ref()?.service_account_name.as_deref();
    let by_default = &*world.args.default_decryption_service_account;
    given.filter(|name| !name.is_empty()).or(Some(by_default)).filter(|name| !name.is_empty())
}

fn keys(credentials: &AwsCredentials) -> Result<Credential, ServiceError> {
    let AwsCredentials { access_key_id, secret_access_key, session_token } = credentials;
    if access_key_id.expose().is_empty() || secret_access_key.expose().is_empty() {
        let message = "static credentials are empty: `sops.aws-kms` of the Secret needs aws_access_key_id and \
                       aws_secret_access_key";
        return Err(ServiceError { message: message.to_owned(), retry: Retry::AfterChange });
    }
    let session = Some(session_token).filter(|token| !token.expose().is_empty());
    Ok(Credential::Keys {
        id: access_key_id.expose().clone(),
        secret: secret_access_key.clone(),
        session: session.cloned(),
    })
}

fn no_access(NoAccess { why, retry }: NoAccess) -> ServiceError {
    ServiceError { message: why, retry }
}

fn refused(key: &AwsKmsKey, error: &CloudError) -> ServiceError {
    let message = match error.operation {
        "AssumeRole" => format!("failed to assume role '{}': {error}", key.role),
        _ => error.to_string(),
    };
    ServiceError { message, retry: error.retry() }
}
