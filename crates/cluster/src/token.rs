use capstan_model::Secret;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;

use crate::{Cluster, ClusterError};

/// A token of a service account.
#[derive(Clone, Debug)]
pub struct BearerToken {
    /// The JWT.
    pub token: Secret<String>,
    /// When it stops to be valid.
    pub expires: Timestamp,
}

impl Cluster {
    /// Asks the TokenRequest API for a token of a service account. An empty audience means the API server's own.
    /// `seconds` is its life; the server gives at least ten minutes.
    pub async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
        seconds: i64,
    ) -> Result<BearerToken, ClusterError> {
        let subject = format!("ServiceAccount/{namespace}/{name}");
        let audiences = if audience.is_empty() { Vec::new() } else { vec![audience.to_owned()] };
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences,
                expiration_seconds: Some(seconds),
                bound_object_ref: None,
            },
            ..Default::default()
        };
        let api: Api<ServiceAccount> = Api::namespaced(self.client().clone(), namespace);
        let answer = api
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .map_err(|error| ClusterError::from_kube("request a token of", &subject, error))?;
        let status = answer.status.ok_or_else(|| ClusterError::Malformed {
            operation: "request a token of",
            subject,
            cause: "the answer has no status".to_owned(),
        })?;
        Ok(BearerToken { token: Secret::new(status.token), expires: status.expiration_timestamp.0 })
    }
}
