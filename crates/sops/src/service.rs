use std::collections::BTreeMap;
use std::fmt;

use capstan_model::{Retry, Secret};

use crate::keys::AwsCredentials;

/// A key in AWS KMS that encrypted a data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKmsKey {
    /// Its ARN, or that of an alias.
    pub arn: String,
    /// The role to take on before; empty for none.
    pub role: String,
    /// The encryption context.
    pub context: BTreeMap<String, String>,
}

impl AwsKmsKey {
    /// The region that the ARN says; nothing when it is no ARN of a key or an alias.
    pub fn region(&self) -> Option<&str> {
        let mut parts = self.arn.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (arn, partition, service) = (next(), next(), next());
        let (region, account, resource) = (next(), next(), next());
        let is_key = resource.starts_with("key/") || resource.starts_with("alias/");
        let is_number = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
        let is_kms = arn == "arn" && partition.starts_with("aws") && service == "kms";
        (is_kms && is_number && is_key && !region.is_empty()).then_some(region)
    }
}

/// What decrypts data keys outside of this program.
///
/// A call may take as long as a request does, so a decryption that may need it belongs on a thread that may wait.
pub trait KeyService: Send + Sync {
    /// The data key behind a ciphertext, by AWS KMS. `credentials` are those of the decryption Secret; without them, the
    /// identity of `spec.decryption.serviceAccountName` or of the controller counts.
    ///
    /// # Errors
    /// Why the service did not answer with a key. It must tell no secret.
    fn aws_kms(
        &self,
        key: &AwsKmsKey,
        credentials: Option<&AwsCredentials>,
        ciphertext: &[u8],
    ) -> Result<Secret<Vec<u8>>, ServiceError>;
}

/// Why a service gave no data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// What went wrong.
    pub message: String,
    /// Would trying again help?
    pub retry: Retry,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServiceError {}

/// No service at all: only age and PGP keys can be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeyService;

impl KeyService for NoKeyService {
    fn aws_kms(
        &self,
        _: &AwsKmsKey,
        _: Option<&AwsCredentials>,
        _: &[u8],
    ) -> Result<Secret<Vec<u8>>, ServiceError> {
        let message = "AWS KMS is not reachable from here".to_owned();
        Err(ServiceError { message, retry: Retry::AfterChange })
    }
}

#[cfg(test)]
mod tests {
    use super::AwsKmsKey;
    use std::collections::BTreeMap;

    #[test]
    fn an_arn_says_its_region() {
        for (arn, region) in [
            ("arn:aws:kms:us-west-2:107501996527:key/612d5f0p-p1l3", Some("us-west-2")),
            ("arn:aws-us-gov:kms:us-gov-west-1:107501996527:alias/team", Some("us-gov-west-1")),
            ("arn:aws:kms:us-west-2:107501996527:grant/x", None),
            ("arn:aws:s3:us-west-2:107501996527:key/x", None),
            ("arn:aws:kms::1:key/x", None),
            ("key/x", None),
        ] {
            let key =
                AwsKmsKey { arn: arn.to_owned(), role: String::new(), context: BTreeMap::new() };
            assert_eq!(key.region(), region, "{arn}");
        }
    }
}
