use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use capstan_model::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What CodeCommit accepts from the time of signing.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// User name and password for one repository of CodeCommit over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitPassword {
    /// Access key id, and the session token of temporary keys.
    pub username: String,
    /// Time of signing and signature.
    pub password: Secret<String>,
    /// When it was signed.
    pub signed_at: SystemTime,
}

impl GitPassword {
    /// When a new one should be signed: at two thirds of its life.
    pub fn renew_at(&self) -> SystemTime {
        self.signed_at + LIFE * 2 / 3
    }

    /// Signs the password of a repository as AWS's credential helper does: a request with the method `GIT`, of which only
    /// the host is signed, without a payload, and with a time that lacks the `Z`.
    pub(crate) fn sign(
        host: &str,
        path: &str,
        region: &str,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Self {
        let time = jiff::Timestamp::try_from(now).unwrap_or_default();
        let time = time.strftime("%Y%m%dT%H%M%S").to_string();
        let date = time.get(..8).unwrap_or_default();
        let request = format!("GIT\n{path}\n\nhost:{host}\n\nhost\n");
        let scope = format!("{date}/{region}/codecommit/aws4_request");
        let digest = hex::encode(Sha256::digest(request));
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let first = format!("AWS4{}", credentials.secret_access_key());
        let parts = [date, region, "codecommit", "aws4_request", text.as_str()];
        let signature = parts.iter().fold(first.into_bytes(), |key, part| mac(&key, part));
        let id = credentials.access_key_id();
        let username = match credentials.session_token() {
            Some(session) => format!("{id}%{session}"),
            None => id.to_owned(),
        };
        let password = Secret::new(format!("{time}Z{}", hex::encode(signature)));
        Self { username, password, signed_at: now }
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The region of a CodeCommit URL, such as `https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x`, its host and path.
///
/// # Errors
/// When it is none, in Flux's words.
pub fn codecommit(url: &str) -> Result<(&str, &str, &str), String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if !scheme.eq_ignore_ascii_case("https") {
        return Err("AWS CodeCommit authentication requires an HTTPS Git URL".to_owned());
    }
    let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
    let path = &rest[host.len()..];
    let parts: Vec<&str> = host.split('.').collect();
    let is_one = parts.len() >= 4
        && matches!(parts[0], "git-codecommit" | "git-codecommit-fips")
        && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"));
    if is_one {
        Ok((parts[1], host, path))
    } else {
        Err(format!("invalid AWS CodeCommit Git URL: {host}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_credential_types::Credentials;

    use super::{GitPassword, codecommit};

    #[test]
    fn only_urls_of_codecommit_are_signed() {
        let url = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x";
        let host = "git-codecommit.eu-west-1.amazonaws.com";
        assert_eq!(codecommit(url), Ok(("eu-west-1", host, "/v1/repos/x")));
        for (url, says) in [
            (
                "ssh://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x",
                "requires an HTTPS Git URL",
            ),
            ("https://github.com/o/r", "invalid AWS CodeCommit Git URL: github.com"),
            ("https://git-codecommit.eu-west-1.amazonaws.com.evil.example/x", "invalid"),
        ] {
            let said = codecommit(url).expect_err(url);
            assert!(said.contains(says), "{said}");
        }
    }

    /// The signature was made by botocore's SigV4Auth as git-remote-codecommit calls it.
    #[test]
    fn a_password_is_signed_as_aws_signs_it() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let credentials =
            Credentials::new("AKIDEXAMPLE", "secret", Some("session".into()), None, "test");
        let host = "git-codecommit.eu-west-1.amazonaws.com";
        let signed = GitPassword::sign(host, "/v1/repos/x", "eu-west-1", &credentials, now);
        assert_eq!(signed.username, "AKIDEXAMPLE%session");
        assert_eq!(
            signed.password.expose(),
            "20231114T221320Z226e5fd40ac8b01122ad6df968eb8ae11645ac5caf36f1a0d1f771e9624fd16f"
        );
        assert!(signed.renew_at() > now);
    }
}
