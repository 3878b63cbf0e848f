//! The token webhook of a cluster: `k8s-aws-v1.` tokens are presigned STS requests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::form::Form;
use super::super::identity::Caller;
use super::super::sigv4::{Presented, Signable, digest, header};
use super::Eks;

/// aws-iam-authenticator takes a token for this long after its signing, whatever it says itself.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// What aws-iam-authenticator lets through in the query.
const QUERY: [&str; 10] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-user-agent",
];

impl Eks {
    /// Answers a TokenReview for a cluster.
    pub(crate) fn review(&self, region: &str, cluster: &str, review: &Value) -> Value {
        let token = review.pointer("/spec/token").and_then(Value::as_str).unwrap_or_default();
        let status = match self.login(region, cluster, token, Timestamp::now()) {
            Ok(caller) => {
                json!({"authenticated": true, "user": self.user(region, cluster, &caller)})
            }
            Err(why) => {
                tracing::debug!(cluster, "a token is refused: {why}");
                json!({"authenticated": false, "error": why})
            }
        };
        let version = review.get("apiVersion").cloned();
        json!({
            "apiVersion": version.unwrap_or_else(|| json!("authentication.k8s.io/v1")),
            "kind": "TokenReview",
            "status": status,
        })
    }

    fn login(
        &self,
        region: &str,
        cluster: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Caller, String> {
        let url = token.strip_prefix("k8s-aws-v1.").ok_or("it does not begin with k8s-aws-v1.")?;
        let url = URL_SAFE_NO_PAD.decode(url).map_err(|e| format!("not base64url: {e}"))?;
        let url = String::from_utf8(url).map_err(|_| "its URL is not UTF-8")?;
        let (host, path, query) = split(&url).ok_or("it holds no URL with a query")?;
        if !self.is_sts(host, region) {
            return Err(format!("{host} is not an STS endpoint of {region}"));
        }
        check_query(query)?;
        let presented = Presented::read(query, &[]).ok_or("it is not presigned")?;
        if !presented.signed_headers.iter().any(|name| name == CLUSTER_HEADER) {
            return Err(format!("{CLUSTER_HEADER} is not signed"));
        }
        if !presented.is_fresh(now, LIFETIME) {
            return Err(format!("signed at {}: older than {LIFETIME:#}", presented.at));
        }
        let headers = vec![
            ("host".to_owned(), host.to_owned()),
            (CLUSTER_HEADER.to_owned(), cluster.to_owned()),
        ];
        if presented.signed_headers.iter().any(|name| header(&headers, name).is_none()) {
            return Err("it signs headers other than host and x-k8s-aws-id".into());
        }
        let signed =
            Signable { method: "GET", path, query, headers: &headers, payload: digest(b"") };
        self.parts
            .identities
            .caller(&presented, &signed, now)
            .map_err(|refusal| format!("STS refuses it: {refusal:?}"))
    }

    fn is_sts(&self, host: &str, region: &str) -> bool {
        self.parts.address.ends_with(&format!("//{host}"))
            || host == "sts.amazonaws.com"
            || host == format!("sts.{region}.amazonaws.com")
    }

    /// Who created the cluster administers it; anybody else is known, and may do nothing yet.
    fn user(&self, region: &str, cluster: &str, caller: &Caller) -> Value {
        let administrator = self.is_administrator(region, cluster, &caller.canonical_arn);
        let groups = if administrator { vec!["system:masters"] } else { Vec::new() };
        let username = if administrator { "kubernetes-admin" } else { caller.arn.as_str() };
        let (user_id, _) = caller.user_id.split_once(':').unwrap_or((&caller.user_id, ""));
        json!({
            "username": username,
            "uid": format!("aws-iam-authenticator:{}:{user_id}", self.parts.account),
            "groups": groups,
            "extra": {
                "arn": [caller.arn],
                "canonicalArn": [caller.canonical_arn],
                "principalId": [user_id],
                "sessionName": [caller.session_name],
                "accessKeyId": [caller.access_key],
            },
        })
    }
}

fn check_query(query: &str) -> Result<(), String> {
    let form = Form::parse(query);
    let unknown = form.0.iter().find(|(n, _)| !QUERY.contains(&n.to_ascii_lowercase().as_str()));
    if let Some((name, _)) = unknown {
        return Err(format!("unexpected query parameter {name}"));
    }
    match form.get("Action") {
        Some("GetCallerIdentity") => Ok(()),
        other => Err(format!("its action is {other:?}, want GetCallerIdentity")),
    }
}

/// Host, path and query of an absolute URL.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (place, query) = rest.split_once('?')?;
    let (host, path) = place.find('/').map_or((place, "/"), |at| place.split_at(at));
    Some((host, path, query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_get_caller_identity_is_let_through() {
        assert!(check_query("Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Date=x").is_ok());
        assert!(check_query("Action=AssumeRole").is_err());
        assert!(check_query("Action=GetCallerIdentity&Extra=1").is_err());
    }

    #[test]
    fn a_url_is_taken_apart() {
        let url = "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity";
        let parts = ("sts.eu-west-1.amazonaws.com", "/", "Action=GetCallerIdentity");
        assert_eq!(split(url), Some(parts));
        assert_eq!(split("http://127.0.0.1:1?a=b"), Some(("127.0.0.1:1", "/", "a=b")));
        assert_eq!(split("ftp://x/?a"), None);
    }
}
