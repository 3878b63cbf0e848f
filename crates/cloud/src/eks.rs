use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use capstan_model::Secret;

use crate::clients::{Clients, Service};
use crate::error::{Class, CloudError};

/// What EKS accepts from the time of signing, whatever the URL itself says.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// What the URL says; aws-iam-authenticator refuses more.
const URL_LIFE: Duration = Duration::from_secs(60);

/// Where the API server of an EKS cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EksPlace {
    /// Its URL.
    pub endpoint: String,
    /// Its authority: base64 of PEM.
    pub ca_base64: String,
}

impl Clients {
    /// Where a cluster is, as DescribeCluster says it.
    pub async fn eks_place(&self, name: &str) -> Result<EksPlace, CloudError> {
        const OPERATION: &str = "DescribeCluster";
        let request = self.eks().describe_cluster().name(name).send();
        let answer = self.call(Service::Eks, OPERATION, request).await?;
        let cluster = answer.cluster();
        let endpoint = cluster.and_then(|cluster| cluster.endpoint());
        let ca = cluster.and_then(|cluster| cluster.certificate_authority()?.data());
        let (Some(endpoint), Some(ca)) = (endpoint, ca) else {
            let message = format!("cluster {name} has no endpoint yet");
            return Err(CloudError::new("eks", OPERATION, Class::NotYet, message));
        };
        Ok(EksPlace { endpoint: endpoint.to_owned(), ca_base64: ca.to_owned() })
    }
}

/// A bearer token for the API server of one EKS cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EksToken {
    /// The token.
    pub token: Secret<String>,
    /// When it was signed.
    pub minted_at: SystemTime,
}

impl EksToken {
    /// Signs a token: a presigned STS GetCallerIdentity bound to the cluster by the header `x-k8s-aws-id`.
    pub(crate) fn mint(
        cluster: &str,
        region: &str,
        endpoint: &str,
        credentials: Credentials,
        now: SystemTime,
    ) -> Result<Self, CloudError> {
        let error =
            |message: String| CloudError::invalid("sts", "presign GetCallerIdentity", message);
        let url = format!(
            "{}/?Action=GetCallerIdentity&Version=2011-06-15",
            endpoint.trim_end_matches('/')
        );
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(URL_LIFE);
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("sts")
            .time(now)
            .settings(settings)
            .build()
            .map_err(|cause| error(cause.to_string()))?
            .into();
        let headers = [("x-k8s-aws-id", cluster)];
        let request = SignableRequest::new(
            "GET",
            url.as_str(),
            headers.into_iter(),
            SignableBody::Bytes(&[]),
        )
        .map_err(|cause| error(cause.to_string()))?;
        let (instructions, _) =
            sign(request, &params).map_err(|cause| error(cause.to_string()))?.into_parts();
        let mut signed =
            http::Request::builder().uri(url).body(()).map_err(|cause| error(cause.to_string()))?;
        instructions.apply_to_request_http1x(&mut signed);
        let encoded = BASE64_URL_SAFE_NO_PAD.encode(signed.uri().to_string());
        Ok(Self { token: Secret::new(format!("k8s-aws-v1.{encoded}")), minted_at: now })
    }

    /// When a new one should be signed: at two thirds of its life.
    pub fn renew_at(&self) -> SystemTime {
        self.minted_at + LIFE * 2 / 3
    }
}

/// A kubeconfig in which cluster, context and user are named by the cluster, as provider-aws writes it.
pub fn kubeconfig(
    cluster: &str,
    endpoint: &str,
    ca_base64: &str,
    token: &Secret<String>,
) -> Secret<String> {
    let token = token.expose();
    Secret::new(format!(
        "apiVersion: v1\n\
         clusters:\n\
         - cluster:\n    certificate-authority-data: {ca_base64}\n    server: {endpoint}\n  name: {cluster}\n\
         contexts:\n\
         - context:\n    cluster: {cluster}\n    user: {cluster}\n  name: {cluster}\n\
         current-context: {cluster}\n\
         kind: Config\n\
         preferences: {{}}\n\
         users:\n\
         - name: {cluster}\n  user:\n    token: {token}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::{EksToken, kubeconfig};
    use aws_credential_types::Credentials;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use capstan_model::Secret;
    use std::time::{Duration, SystemTime};

    fn mint(at: u64) -> EksToken {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        let credentials = Credentials::new("AKID", "secret", Some("session".into()), None, "test");
        EksToken::mint(
            "shop-x1",
            "eu-west-1",
            "https://sts.eu-west-1.amazonaws.com",
            credentials,
            now,
        )
        .expect("signs")
    }

    #[test]
    fn a_token_is_a_presigned_url() {
        let token = mint(1_700_000_000);
        let encoded = token.token.expose().strip_prefix("k8s-aws-v1.").expect("prefix").to_owned();
        assert!(!encoded.contains('='));
        let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).expect("base64"))
            .expect("text");
        assert!(url.starts_with("https://sts.eu-west-1.amazonaws.com/?"), "{url}");
        for part in [
            "Action=GetCallerIdentity",
            "Version=2011-06-15",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Security-Token=session",
            "X-Amz-Date=20231114T221320Z",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part} is not in {url}");
        }
        assert!(!format!("{token:?}").contains("k8s-aws"));
    }

    #[test]
    fn it_is_renewed_at_two_thirds_of_its_life() {
        let token = mint(0);
        assert_eq!(token.renew_at(), SystemTime::UNIX_EPOCH + Duration::from_secs(600));
    }

    #[test]
    fn a_kubeconfig_names_everything_by_the_cluster() {
        let token = Secret::new("k8s-aws-v1.abc".to_owned());
        let text = kubeconfig("shop-x1", "https://api.example", "Q0E=", &token);
        assert_eq!(
            text.expose(),
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: Q0E=\n    server: https://api.example\n  \
             name: shop-x1\ncontexts:\n- context:\n    cluster: shop-x1\n    user: shop-x1\n  name: shop-x1\n\
             current-context: shop-x1\nkind: Config\npreferences: {}\nusers:\n- name: shop-x1\n  user:\n    token: k8s-aws-v1.abc\n"
        );
    }
}
