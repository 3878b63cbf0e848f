use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_http::{Connection, body};
use capstan_model::Secret;
use http::Request;
use serde_json::Value;

use crate::clients::{Clients, Service};
use crate::error::{Class, CloudError};
use crate::region;

const OPERATION: &str = "GetAuthorizationToken";
/// How long the one call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const MOST: u64 = 1 << 20;

/// What the host of a private registry must be, as Flux says it.
const PATTERN: &str = r"^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-zA-Z0-9][a-zA-Z0-9_-]{0,99})\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$";
/// Its endings.
const DOMAINS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

/// A registry of ECR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ecr<'a> {
    /// That of an account, in a region.
    Private(&'a str),
    /// The public one.
    Public,
}

impl<'a> Ecr<'a> {
    /// The registry of a host.
    ///
    /// # Errors
    /// When it is none, in Flux's words.
    pub fn of_host(host: &'a str) -> Result<Self, String> {
        if matches!(host, "public.ecr.aws" | "ecr-public.aws.com") {
            return Ok(Self::Public);
        }
        let region = private(host)
            .ok_or_else(|| format!("invalid AWS registry: '{host}'. must match {PATTERN}"))?;
        Ok(Self::Private(region))
    }

    /// Where logins to it are given.
    pub const fn region(&self) -> &'a str {
        match self {
            Self::Private(region) => region,
            Self::Public => "us-east-1",
        }
    }

    const fn signing_name(self) -> &'static str {
        match self {
            Self::Private(_) => "ecr",
            Self::Public => "ecr-public",
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::Private(_) => "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
            Self::Public => "SpencerFrontendService.GetAuthorizationToken",
        }
    }
}

/// The region in the host of a private registry.
fn private(host: &str) -> Option<&str> {
    let (account, rest) = host.split_at_checked(12)?;
    let rest = rest.strip_prefix(".dkr.ecr").or_else(|| rest.strip_prefix(".dkr-ecr"))?;
    let rest = rest.strip_prefix("-fips").unwrap_or(rest).strip_prefix('.')?;
    let (region, domain) = rest.split_once('.')?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_region = region.len() <= 100
        && region.starts_with(|c: char| c.is_ascii_alphanumeric())
        && region.bytes().all(is_plain);
    let is_account = account.bytes().all(|b| b.is_ascii_digit());
    (is_account && is_region && DOMAINS.contains(&domain)).then_some(region)
}

/// User name and password for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLogin {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret<String>,
    pub(crate) renew_at: SystemTime,
}

impl Clients {
    /// A login for a registry of ECR: kept in memory, got anew at two thirds of its life. The clients must be of its region.
    ///
    /// It is the only call to ECR, so it is signed and sent here: two more crates of the SDK would cost every build more.
    pub async fn registry_login(&self, registry: Ecr<'_>) -> Result<RegistryLogin, CloudError> {
        let now = SystemTime::now();
        let key = registry.signing_name();
        if let Some(known) = self.logins().get(key).filter(|known| now < known.renew_at) {
            return Ok(known.clone());
        }
        let credentials = self.credentials(OPERATION).await?;
        let login = self.paced(Service::Ecr, self.ask(registry, credentials, now)).await?;
        self.logins().insert(key, login.clone());
        Ok(login)
    }

    async fn ask(
        &self,
        registry: Ecr<'_>,
        credentials: Credentials,
        now: SystemTime,
    ) -> Result<RegistryLogin, CloudError> {
        let endpoint = self.endpoint().map_or_else(
            || match registry {
                Ecr::Private(region) => {
                    format!("https://api.ecr.{region}.{}", region::dns_suffix(region))
                }
                Ecr::Public => "https://api.ecr-public.us-east-1.amazonaws.com".to_owned(),
            },
            |endpoint| endpoint.trim_end_matches('/').to_owned(),
        );
        let request = signed(&format!("{endpoint}/"), registry, credentials, now)
            .map_err(|why| CloudError::invalid("ecr", OPERATION, why))?;
        let lost = |why: String| CloudError::new("ecr", OPERATION, Class::Unanswered, why);
        let connection = Connection { timeout: TIMEOUT, ..Connection::default() };
        let client = connection.client().map_err(|error| lost(error.to_string()))?;
        let sent = client.post(request.uri().to_string()).headers(request.headers().clone());
        let answer = sent.body("{}").send().await;
        let answer =
            answer.map_err(|error| lost(capstan_http::HttpError::from(error).to_string()))?;
        let status = answer.status().as_u16();
        let bytes = body(answer, MOST).await.map_err(|error| lost(error.to_string()))?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status != 200 {
            return Err(refused(status, &value));
        }
        read(&value, now).ok_or_else(|| lost("the answer holds no login".to_owned()))
    }
}

fn signed(
    url: &str,
    registry: Ecr<'_>,
    credentials: Credentials,
    now: SystemTime,
) -> Result<Request<()>, String> {
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(registry.region())
        .name(registry.signing_name())
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|cause| cause.to_string())?
        .into();
    let headers =
        [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", registry.target())];
    let signable =
        SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(b"{}"))
            .map_err(|cause| cause.to_string())?;
    let (instructions, _) =
        sign(signable, &params).map_err(|cause| cause.to_string())?.into_parts();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut request = request.body(()).map_err(|cause| cause.to_string())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

fn refused(status: u16, answer: &Value) -> CloudError {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let code = text("__type").rsplit('#').next().unwrap_or_default();
    let message = match text("message") {
        "" => text("Message"),
        message => message,
    };
    CloudError::answered("ecr", OPERATION, status, code, message)
}

/// The login of an answer: base64 of user name and password.
fn read(answer: &Value, now: SystemTime) -> Option<RegistryLogin> {
    let data = answer.get("authorizationData")?;
    let data = data.get(0).unwrap_or(data);
    let token = BASE64_STANDARD.decode(data.get("authorizationToken")?.as_str()?).ok()?;
    let token = String::from_utf8(token).ok()?;
    let (username, password) = token.split_once(':')?;
    let life = data.get("expiresAt")?.as_f64().and_then(|ends| {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Duration::try_from_secs_f64(ends).ok()?.checked_sub(now)
    });
    Some(RegistryLogin {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
        renew_at: now + life.unwrap_or_default() * 2 / 3,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_credential_types::Credentials;
    use serde_json::json;

    use super::{Ecr, read, refused, signed};

    #[test]
    fn hosts_of_every_partition_are_known() {
        for (host, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
            ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"),
            ("123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
        ] {
            assert_eq!(Ecr::of_host(host), Ok(Ecr::Private(region)), "{host}");
        }
        for host in ["public.ecr.aws", "ecr-public.aws.com"] {
            assert_eq!(Ecr::of_host(host).map(|ecr| ecr.region()), Ok("us-east-1"));
        }
        for host in [
            "ghcr.io",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr..amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443",
            "ä23456789012.dkr.ecr.eu-west-1.amazonaws.com",
        ] {
            let said = Ecr::of_host(host).expect_err(host);
            assert!(said.contains("must match ^([0-9]{12})"), "{said}");
        }
    }

    #[test]
    fn the_call_is_signed_for_the_registry() {
        let credentials = Credentials::new("AKID", "secret", Some("session".into()), None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let url = "https://api.ecr.eu-west-1.amazonaws.com/";
        let request = signed(url, Ecr::Private("eu-west-1"), credentials, now).expect("signed");
        let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
        let authorization = header("authorization");
        assert!(authorization.contains("AKID/20231114/eu-west-1/ecr/aws4_request"));
        assert!(authorization.contains("x-amz-target"), "{authorization}");
        assert_eq!(header("x-amz-security-token"), "session");
        assert!(header("x-amz-target").ends_with(".GetAuthorizationToken"));
    }

    #[test]
    fn both_forms_of_an_answer_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        // AWS:pa55
        let data = json!({"authorizationToken": "QVdTOnBhNTU=", "expiresAt": 1600.5});
        for data in [json!([data]), data.clone()] {
            let login = read(&json!({"authorizationData": data}), now).expect("a login");
            assert_eq!((&*login.username, &**login.password.expose()), ("AWS", "pa55"));
            let life = login.renew_at.duration_since(now).expect("later");
            assert_eq!(life.as_secs(), 400);
            assert!(!format!("{login:?}").contains("pa55"));
        }
        assert_eq!(read(&json!({"authorizationData": []}), now), None);
    }

    #[test]
    fn a_refusal_says_its_code() {
        let answer = json!({"__type": "com.amazonaws#AccessDeniedException", "Message": "no"});
        let error = refused(400, &answer);
        assert!(error.is_denied(), "{error}");
        assert_eq!(
            error.to_string(),
            "ecr GetAuthorizationToken was denied: AccessDeniedException: no"
        );
    }
}
