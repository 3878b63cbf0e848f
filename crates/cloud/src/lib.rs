//! AWS: who we are, with what we call, how fast, and what an error means.
//!
//! The SDK's own retries are off: a create that is retried below the lifecycle could happen twice. What may be tried again
//! is said by [`CloudError`], and the lifecycle in `capstan-provision` does it.

mod access_keys;
mod arn;
mod classify;
mod clients;
mod cloud;
mod codecommit;
mod ecr;
mod eks;
mod error;
mod identity;
mod kms;
mod rate;
mod region;
mod sdk;
mod sts_endpoint;

pub use access_keys::AccessKeys;
pub use arn::{EKS_CLUSTER_ARN, ROLE_ARN, eks_cluster, is_role};
pub use clients::{Clients, Service};
pub use cloud::Cloud;
pub use codecommit::{GitPassword, codecommit};
pub use ecr::{Ecr, RegistryLogin};
pub use eks::{EksPlace, EksToken, kubeconfig};
pub use error::{Class, CloudError};
pub use identity::{
    AssumeRole, BoxError, Credential, Identity, TokenFuture, TokenSource, WebIdentity,
};
pub use sts_endpoint::check_sts_endpoint;

// The kinds build their calls with these, so that one crate names the versions.
pub use aws_sdk_dynamodb;
pub use aws_sdk_ec2;
pub use aws_sdk_eks;
pub use aws_sdk_iam;
pub use aws_sdk_kms;
pub use aws_sdk_sts;
