use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Instant, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::OnceCell;

use crate::eks::EksToken;
use crate::error::{Class, CloudError};
use crate::rate::Bucket;
use crate::region;

/// A service that calls are made to; each has its own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// EC2.
    Ec2,
    /// EKS.
    Eks,
    /// IAM.
    Iam,
    /// DynamoDB.
    DynamoDb,
    /// STS.
    Sts,
}

impl Service {
    /// As errors name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Eks => "eks",
            Self::Iam => "iam",
            Self::DynamoDb => "dynamodb",
            Self::Sts => "sts",
        }
    }

    /// Calls a second and burst to begin with: near the default quotas, corrected by what the service answers.
    const fn rate(self) -> (f64, f64) {
        match self {
            Self::Ec2 => (50.0, 100.0),
            Self::Eks | Self::DynamoDb => (20.0, 50.0),
            Self::Iam => (20.0, 60.0),
            Self::Sts => (50.0, 100.0),
        }
    }
}

/// The clients of one identity in one region, each made when it is first used.
#[derive(Debug)]
pub struct Clients {
    config: SdkConfig,
    region: String,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    eks: OnceLock<aws_sdk_eks::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    buckets: Mutex<HashMap<Service, Bucket>>,
    tokens: Mutex<HashMap<String, EksToken>>,
    account: OnceCell<String>,
}

impl Clients {
    pub(crate) fn new(config: SdkConfig, region: String) -> Self {
        Self {
            config,
            region,
            ec2: OnceLock::new(),
            eks: OnceLock::new(),
            iam: OnceLock::new(),
            dynamodb: OnceLock::new(),
            sts: OnceLock::new(),
            buckets: Mutex::default(),
            tokens: Mutex::default(),
            account: OnceCell::new(),
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
        let wait = self.with_bucket(service, |bucket, now| bucket.take(now));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let answer = request.await.map_err(|cause| sdk_error(service.as_str(), operation, &cause));
        self.with_bucket(service, |bucket, now| match &answer {
            Err(error) if error.class == Class::Throttled => bucket.throttled(now),
            _ => bucket.answered(),
        });
        answer.map_err(|error| self.with_region_hint(error))
    }

    /// The account of the identity, asked once.
    pub async fn account_id(&self) -> Result<&str, CloudError> {
        const OPERATION: &str = "GetCallerIdentity";
        let ask = || async {
            let request = self.sts().get_caller_identity().send();
            let answer = self.call(Service::Sts, OPERATION, request).await?;
            answer.account().map(str::to_owned).ok_or_else(|| {
                CloudError::new("sts", OPERATION, Class::Unanswered, "the answer names no account")
            })
        };
        self.account.get_or_try_init(ask).await.map(String::as_str)
    }

    /// A bearer token for an EKS cluster: kept in memory, signed anew at two thirds of its life.
    pub async fn eks_token(&self, cluster: &str) -> Result<EksToken, CloudError> {
        let now = SystemTime::now();
        if let Some(token) = lock(&self.tokens).get(cluster).filter(|token| now < token.renew_at()) {
            return Ok(token.clone());
        }
        let error = |message: String| {
            CloudError::new("sts", "presign GetCallerIdentity", Class::NotYet, message)
        };
        let provider = self
            .config
            .credentials_provider()
            .ok_or_else(|| error("no credentials are configured".to_owned()))?;
        let credentials = provider.provide_credentials().await.map_err(|cause| {
            own_error(&cause).unwrap_or_else(|| error(chain(&cause)))
        })?;
        let token =
            EksToken::mint(cluster, &self.region, &self.sts_endpoint(), credentials, now)?;
        lock(&self.tokens).insert(cluster.to_owned(), token.clone());
        Ok(token)
    }

    fn sts_endpoint(&self) -> String {
        self.config.endpoint_url().map_or_else(
            || format!("https://sts.{}.{}", self.region, region::dns_suffix(&self.region)),
            str::to_owned,
        )
    }

    fn with_bucket<R>(&self, service: Service, act: impl FnOnce(&mut Bucket, Instant) -> R) -> R {
        let now = Instant::now();
        let (rate, burst) = service.rate();
        let mut buckets = lock(&self.buckets);
        act(buckets.entry(service).or_insert_with(|| Bucket::new(rate, burst, now)), now)
    }

    fn with_region_hint(&self, mut error: CloudError) -> CloudError {
        if error.class == Class::Unanswered && !region::is_known(&self.region) {
            let hint = format!("; `{}` is not a region that is known here: check its spelling", self.region);
            error.message.push_str(&hint);
        }
        error
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock can panic")
}

/// Judges an error of the SDK.
pub(crate) fn sdk_error<E>(
    service: &'static str,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(own) = own_error(error) {
        return own;
    }
    let request_id = error.request_id().map(str::to_owned);
    let mut judged = match error {
        SdkError::ServiceError(answer) => CloudError::answered(
            service,
            operation,
            answer.raw().status().as_u16(),
            answer.err().code().unwrap_or_default(),
            answer.err().message().unwrap_or_default(),
        ),
        SdkError::ConstructionFailure(_) => CloudError::invalid(service, operation, chain(error)),
        _ => CloudError::new(service, operation, Class::Unanswered, chain(error)),
    };
    judged.request_id = request_id;
    judged
}

/// The error of our own that lies below an error of the SDK: credentials that could not be had.
fn own_error(error: &(dyn Error + 'static)) -> Option<CloudError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<CloudError>() {
            return Some(own.clone());
        }
        next = error.source();
    }
    None
}

fn chain(error: &(dyn Error + 'static)) -> String {
    capstan_model::Chain(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::{own_error, sdk_error};
    use crate::error::{Class, CloudError};
    use aws_credential_types::provider::error::CredentialsError;
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
    use aws_smithy_runtime_api::client::result::SdkError;

    #[test]
    fn a_denied_role_is_seen_through_the_sdk() {
        let denied = CloudError::answered("sts", "AssumeRoleWithWebIdentity", 403, "AccessDenied", "no");
        let wrapped = CredentialsError::provider_error(denied.clone());
        assert_eq!(own_error(&wrapped), Some(denied));
    }

    #[test]
    fn a_timeout_may_have_happened() {
        let error: SdkError<GetCallerIdentityError, _> = SdkError::timeout_error("late");
        let judged = sdk_error("ec2", "CreateVpc", &error);
        assert_eq!(judged.class, Class::Unanswered);
        assert!(!judged.is_refusal());
    }
}
