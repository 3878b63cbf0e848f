//! Signature Version 4: reading what a request presents, checking it, and signing our own.
//!
//! The rules are AWS's "Create a signed AWS API request": a canonical request, a string to sign,
//! and a key derived from date, region and service.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::form::{Form, decode, quote, quote_keeping};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature is computed over.
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a str,
    /// The path as it stands in the request line.
    pub(crate) path: &'a str,
    /// The query string as it stands in the request line.
    pub(crate) query: &'a str,
    /// Lower-case header names with their values.
    pub(crate) headers: &'a [(String, String)],
    /// Lower-case hex SHA-256 of the body, or the literal that the caller signed instead.
    pub(crate) payload: String,
}

/// Access key, day, region and service that a request was signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    pub(crate) day: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// The signature that a request carries, in a header or in its query.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) scope: Scope,
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
    pub(crate) at: String,
    pub(crate) session_token: Option<String>,
    in_query: bool,
}

/// A key pair to sign with.
#[derive(Clone)]
pub struct Keys {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: String,
    /// The session token of temporary keys.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl Presented {
    /// What the request presents; `None` when it is not signed, or not in this scheme.
    pub(crate) fn read(query: &str, headers: &[(String, String)]) -> Option<Self> {
        match header(headers, "authorization") {
            Some(value) => Self::from_header(value, headers),
            None => Self::from_query(query),
        }
    }

    fn from_header(value: &str, headers: &[(String, String)]) -> Option<Self> {
        let parts = value.strip_prefix(ALGORITHM)?;
        let field = |name: &str| {
            parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            scope: scope(field("Credential")?)?,
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.to_owned(),
            at: header(headers, "x-amz-date")?.to_owned(),
            session_token: header(headers, "x-amz-security-token").map(str::to_owned),
            in_query: false,
        })
    }

    fn from_query(query: &str) -> Option<Self> {
        let form = Form::parse(query);
        if form.get("X-Amz-Algorithm") != Some(ALGORITHM) {
            return None;
        }
        Some(Self {
            scope: scope(form.get("X-Amz-Credential")?)?,
            signed_headers: form
                .get("X-Amz-SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: form.get("X-Amz-Signature")?.to_owned(),
            at: form.get("X-Amz-Date")?.to_owned(),
            session_token: form.get("X-Amz-Security-Token").map(str::to_owned),
            in_query: true,
        })
    }

    /// When it was signed; `None` when the date is not in AWS's basic form.
    pub(crate) fn signed_at(&self) -> Option<Timestamp> {
        let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.at).ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }

    /// Whether the signature date lies within `window` of now and on the day of its scope.
    pub(crate) fn is_fresh(&self, now: Timestamp, window: SignedDuration) -> bool {
        let near = self.signed_at().is_some_and(|at| now.duration_since(at).abs() <= window);
        near && self.at.starts_with(&self.scope.day)
    }

    /// Whether the signature fits the request and this secret.
    pub(crate) fn fits(&self, request: &Signable<'_>, secret: &str) -> bool {
        let expected = self.expected(request, secret);
        // Same time whatever differs, as a habit: nothing here is secret from the tests.
        expected.len() == self.signature.len()
            && expected.bytes().zip(self.signature.bytes()).fold(0, |acc, (a, b)| acc | (a ^ b))
                == 0
    }

    fn expected(&self, request: &Signable<'_>, secret: &str) -> String {
        let Scope { day, region, service, .. } = &self.scope;
        let canonical = self.canonical(request);
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{}", self.at, digest(canonical.as_bytes()));
        let key = [day, region, service, "aws4_request"]
            .into_iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part.as_bytes()));
        hex::encode(mac(&key, text.as_bytes()))
    }

    fn canonical(&self, request: &Signable<'_>) -> String {
        let path = canonical_path(request.path, &self.scope.service);
        let query = canonical_query(request.query, self.in_query);
        let mut out = format!("{}\n{path}\n{query}\n", request.method);
        for name in &self.signed_headers {
            let values: Vec<_> = request
                .headers
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            out.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        out.push_str(&format!("\n{}\n{}", self.signed_headers.join(";"), request.payload));
        out
    }
}

/// Signs a request for the `authorization` header: returns the headers to add.
pub(crate) fn sign(
    keys: &Keys,
    region: &str,
    service: &str,
    request: &Signable<'_>,
    now: Timestamp,
) -> Vec<(String, String)> {
    let at = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut added = vec![("x-amz-date".to_owned(), at.clone())];
    added.extend(keys.session_token.iter().map(|t| ("x-amz-security-token".into(), t.clone())));
    let mut headers: Vec<_> = request.headers.iter().cloned().chain(added.clone()).collect();
    headers.sort();
    let presented = Presented {
        scope: Scope {
            access_key: keys.access_key.clone(),
            day: at[..8].to_owned(),
            region: region.into(),
            service: service.into(),
        },
        signed_headers: headers.iter().map(|(name, _)| name.clone()).collect(),
        signature: String::new(),
        at,
        session_token: None,
        in_query: false,
    };
    let whole = Signable { headers: &headers, payload: request.payload.clone(), ..*request };
    let signature = presented.expected(&whole, &keys.secret_key);
    let Scope { access_key, day, region, service } = &presented.scope;
    let names = presented.signed_headers.join(";");
    added.push((
        "authorization".into(),
        format!(
            "{ALGORITHM} Credential={access_key}/{day}/{region}/{service}/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        ),
    ));
    added
}

/// Lower-case hex SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("because HMAC takes keys of any size");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn scope(text: &str) -> Option<Scope> {
    let mut parts = text.rsplitn(5, '/').map(str::to_owned);
    let (end, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (day, access_key) = (parts.next()?, parts.next()?);
    (end == "aws4_request").then_some(Scope { access_key, day, region, service })
}

/// S3 signs the path as sent; every other service encodes it a second time.
fn canonical_path(path: &str, service: &str) -> String {
    let path = if path.is_empty() { "/" } else { path };
    if service == "s3" { quote_keeping(&decode(path), "/") } else { quote_keeping(path, "/") }
}

fn canonical_query(query: &str, presigned: bool) -> String {
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (quote(&decode(key)), quote(&decode(value))))
        .filter(|(key, _)| !(presigned && key == "X-Amz-Signature"))
        .collect();
    pairs.sort();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

/// The first header of that (lower-case) name.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        // The key pair of AWS's published signing examples.
        Keys {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        }
    }

    #[test]
    fn the_published_example_signs_to_the_published_signature() {
        let headers = vec![
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            ),
            ("host".to_owned(), "iam.amazonaws.com".to_owned()),
        ];
        let request = Signable {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &headers,
            payload: digest(b""),
        };
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        let added = sign(&keys(), "us-east-1", "iam", &request, now);
        let value = header(&added, "authorization").unwrap();
        assert!(
            value.ends_with("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
            "{value}"
        );
    }

    #[test]
    fn what_we_sign_we_accept_until_it_is_touched() {
        let base = vec![("host".to_owned(), "127.0.0.1:1".to_owned())];
        let path = "/tags/arn%3Aaws%3Aeks";
        let sent = |headers| Signable {
            method: "POST",
            path,
            query: "b=2&a=1",
            headers,
            payload: digest(b"{}"),
        };
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut headers = base.clone();
        headers.extend(sign(&keys(), "eu-west-1", "eks", &sent(&base), now));
        let presented = Presented::read("b=2&a=1", &headers).unwrap();
        assert_eq!(presented.scope.service, "eks");
        assert!(presented.fits(&sent(&headers), &keys().secret_key));
        assert!(!presented.fits(&sent(&headers), "another"));
        let other = Signable { path: "/clusters", ..sent(&headers) };
        assert!(!presented.fits(&other, &keys().secret_key));
        assert!(presented.is_fresh(now, SignedDuration::from_mins(5)));
        let later = now + SignedDuration::from_mins(16);
        assert!(!presented.is_fresh(later, SignedDuration::from_mins(15)));
    }
}
