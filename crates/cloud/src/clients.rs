use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::OnceCell;

use crate::codecommit::GitPassword;
use crate::ecr::RegistryLogin;
use crate::eks::EksToken;
use crate::error::{Class, CloudError};
use crate::rate::Bucket;
use crate::region;
use crate::sdk::{chain, judge, own_error};

/// A service that calls are made to; each has its own pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// EC2.
    Ec2,
    /// ECR.
    Ecr,
    /// EKS.
    Eks,
    /// IAM.
    Iam,
    /// DynamoDB.
    DynamoDb,
    /// KMS.
    Kms,
    /// STS.
    Sts,
}

impl Service {
    /// As errors name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Ecr => "ecr",
            Self::Eks => "eks",
            Self::Iam => "iam",
            Self::DynamoDb => "dynamodb",
            Self::Kms => "kms",
            Self::Sts => "sts",
        }
    }

    /// Calls a second and burst to begin with: near the default quotas, corrected by what the service answers.
    const fn pace(self) -> (f64, f64) {
        match self {
            Self::Ec2 | Self::Kms | Self::Sts => (50.0, 100.0),
            Self::Ecr | Self::Eks | Self::DynamoDb => (20.0, 50.0),
            Self::Iam => (20.0, 60.0),
        }
    }
}

/// The clients of one identity in one region, each made when it is first used.
///
/// Calls go through [`Clients::call`]. The SDK retries nothing.
#[derive(Debug)]
pub struct Clients {
    config: SdkConfig,
    region: String,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    eks: OnceLock<aws_sdk_eks::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    buckets: Mutex<HashMap<Service, Bucket>>,
    tokens: Mutex<HashMap<String, EksToken>>,
    passwords: Mutex<HashMap<String, GitPassword>>,
    logins: Mutex<HashMap<&'static str, RegistryLogin>>,
    account: OnceCell<String>,
    held: Mutex<Option<Credentials>>,
}

/// Credentials that end sooner are asked for again.
const SOON: Duration = Duration::from_secs(300);

impl Clients {
    pub(crate) fn new(config: SdkConfig, region: String) -> Self {
        Self {
            config,
            region,
            ec2: OnceLock::new(),
            eks: OnceLock::new(),
            iam: OnceLock::new(),
            dynamodb: OnceLock::new(),
            kms: OnceLock::new(),
            sts: OnceLock::new(),
            buckets: Mutex::default(),
            tokens: Mutex::default(),
            passwords: Mutex::default(),
            logins: Mutex::default(),
            account: OnceCell::new(),
            held: Mutex::default(),
        }
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The partition of the region, as ARNs name it: `aws`, `aws-cn`, …
    pub fn partition(&self) -> &'static str {
        region::partition(&self.region)
    }

    /// EC2.
    pub fn ec2(&self) -> &aws_sdk_ec2::Client {
        self.ec2.get_or_init(|| aws_sdk_ec2::Client::new(&self.config))
    }

    /// EKS.
    pub fn eks(&self) -> &aws_sdk_eks::Client {
        self.eks.get_or_init(|| aws_sdk_eks::Client::new(&self.config))
    }

    /// IAM.
    pub fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam.get_or_init(|| aws_sdk_iam::Client::new(&self.config))
    }

    /// DynamoDB.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config))
    }

    /// KMS.
    pub fn kms(&self) -> &aws_sdk_kms::Client {
        self.kms.get_or_init(|| aws_sdk_kms::Client::new(&self.config))
    }

    /// STS.
    pub fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts.get_or_init(|| aws_sdk_sts::Client::new(&self.config))
    }

    /// Makes one call: waits for its turn, judges its error, learns from a throttle. Nothing is retried.
    ///
    /// `request` is what `send()` returns; it does nothing before it is awaited here.
    pub async fn call<T, E>(
        &self,
        service: Service,
        operation: &'static str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let request =
            async { request.await.map_err(|cause| judge(service.as_str(), operation, &cause)) };
        self.paced(service, request).await
    }

    /// Awaits a request in its turn.
    pub(crate) async fn paced<T>(
        &self,
        service: Service,
        request: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        let wait = self.with_bucket(service, Bucket::take);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let answer = request.await;
        self.with_bucket(service, |bucket, now| match &answer {
            Err(error) if error.class == Class::Throttled => bucket.throttled(now),
            _ => bucket.answered(),
        });
        answer.map_err(|error| with_region_hint(error, &self.region))
    }

    /// The account of the identity, asked once.
    pub async fn account_id(&self) -> Result<&str, CloudError> {
        let ask = || async {
            let request = self.sts().get_caller_identity().send();
            let answer = self.call(Service::Sts, "GetCallerIdentity", request).await?;
            answer.account().map(str::to_owned).ok_or_else(|| {
                let message = "the answer names no account";
                CloudError::new("sts", "GetCallerIdentity", Class::Unanswered, message)
            })
        };
        self.account.get_or_try_init(ask).await.map(String::as_str)
    }

    /// A bearer token for an EKS cluster: kept in memory, signed anew at two thirds of its life.
    pub async fn eks_token(&self, cluster: &str) -> Result<EksToken, CloudError> {
        let now = SystemTime::now();
        if let Some(token) = self.tokens().get(cluster).filter(|token| now < token.renew_at()) {
            return Ok(token.clone());
        }
        let credentials = self.credentials("presign GetCallerIdentity").await?;
        let ends = credentials.expiry();
        let token = EksToken::mint(cluster, &self.region, &self.sts_endpoint(), credentials, now)?;
        // What temporary keys signed ends with them.
        if ends.is_none_or(|ends| ends > token.renew_at()) {
            self.tokens().insert(cluster.to_owned(), token.clone());
        }
        Ok(token)
    }

    /// User name and password for a repository of CodeCommit: kept in memory, signed anew at two thirds of its life.
    pub async fn git_password(&self, host: &str, path: &str) -> Result<GitPassword, CloudError> {
        let now = SystemTime::now();
        let key = format!("{host}{path}");
        let known = self.passwords().get(&key).filter(|known| now < known.renew_at()).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let credentials = self.credentials("sign for CodeCommit").await?;
        let signed = GitPassword::sign(host, path, &self.region, &credentials, now);
        let mut passwords = self.passwords();
        passwords.retain(|_, known| now < known.renew_at());
        // What temporary keys signed ends with them.
        if credentials.expiry().is_none_or(|ends| ends > signed.renew_at()) {
            passwords.insert(key, signed.clone());
        }
        Ok(signed)
    }

    /// Gets credentials, or says why there are none, before anything else is asked for.
    pub async fn authenticate(&self) -> Result<(), CloudError> {
        self.credentials("get credentials").await.map(drop)
    }

    pub(crate) async fn credentials(
        &self,
        operation: &'static str,
    ) -> Result<Credentials, CloudError> {
        let lasts =
            |held: &&Credentials| held.expiry().is_some_and(|ends| ends > SystemTime::now() + SOON);
        if let Some(held) = self.held().as_ref().filter(lasts) {
            return Ok(held.clone());
        }
        let fresh = self.fresh_credentials(operation).await?;
        *self.held() = Some(fresh.clone());
        Ok(fresh)
    }

    async fn fresh_credentials(&self, operation: &'static str) -> Result<Credentials, CloudError> {
        let error = |message: String| CloudError::new("sts", operation, Class::NotYet, message);
        let provider = self
            .config
            .credentials_provider()
            .ok_or_else(|| error("no credentials are configured".to_owned()))?;
        let given = provider.provide_credentials().await;
        given.map_err(|cause| own_error(&cause).unwrap_or_else(|| error(chain(&cause))))
    }

    fn held(&self) -> MutexGuard<'_, Option<Credentials>> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn logins(&self) -> MutexGuard<'_, HashMap<&'static str, RegistryLogin>> {
        self.logins.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn passwords(&self) -> MutexGuard<'_, HashMap<String, GitPassword>> {
        self.passwords.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Where every service is asked, where that is set.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.config.endpoint_url()
    }

    fn sts_endpoint(&self) -> String {
        self.endpoint().map_or_else(
            || format!("https://sts.{}.{}", self.region, region::dns_suffix(&self.region)),
            str::to_owned,
        )
    }

    fn with_bucket<R>(&self, service: Service, act: impl FnOnce(&mut Bucket, Instant) -> R) -> R {
        let now = Instant::now();
        let (rate, burst) = service.pace();
        let mut buckets = self.buckets.lock().expect("no holder of this lock can panic");
        act(buckets.entry(service).or_insert_with(|| Bucket::new(rate, burst, now)), now)
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<String, EksToken>> {
        self.tokens.lock().expect("no holder of this lock can panic")
    }
}

/// A region that does not exist does not answer, or knows nobody.
fn with_region_hint(mut error: CloudError, region: &str) -> CloudError {
    let suspect = matches!(error.class, Class::Unanswered | Class::Denied);
    if suspect && !region::is_known(region) {
        if !error.message.is_empty() {
            error.message.push_str("; ");
        }
        let hint = format!("`{region}` is not a region that is known here: check its spelling");
        error.message.push_str(&hint);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::with_region_hint;
    use crate::error::CloudError;

    #[test]
    fn a_region_that_nobody_knows_is_named() {
        let refused =
            || CloudError::answered("ec2", "CreateVpc", 403, "SignatureDoesNotMatch", "no");
        let error = with_region_hint(refused(), "eu-nowhere-9");
        assert!(error.message.contains("`eu-nowhere-9` is not a region"), "{}", error.message);
        assert_eq!(with_region_hint(refused(), "eu-west-1"), refused());
        let invalid = || CloudError::answered("ec2", "CreateVpc", 400, "InvalidVpc.Range", "no");
        assert_eq!(with_region_hint(invalid(), "eu-nowhere-9"), invalid());
    }
}
