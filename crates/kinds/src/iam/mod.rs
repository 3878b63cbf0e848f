//! IAM: roles, policies, attachments, OpenID Connect providers. Global: the region only picks the endpoint.

mod attachment;
mod oidc;
mod policy;
mod policy_document;
mod role;
mod tags;

pub use attachment::RolePolicyAttachment;
pub use oidc::OpenIdConnectProvider;
pub use policy::Policy;
pub use role::Role;
pub use tags::Tag;

/// API group of these kinds.
pub const GROUP: &str = "iam.aws.crossplane.io";
