use std::borrow::Cow;

use capstan_api::flux::ReceiverSpec;
use capstan_model::NamespacedName;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::validate::Claims;
use crate::{Credentials, Identity, Keys, Request, cdevents, identity, payload, signature, token};

/// The audience of tokens for a `generic-oidc` Receiver that names none.
const AUDIENCE: &str = "notification-controller";

/// A request that a Receiver acts on.
#[derive(Clone, Debug)]
pub struct Accepted<'a> {
    /// What happened, for the log.
    pub summary: String,
    /// What filters see as the body.
    pub(crate) body: Cow<'a, [u8]>,
    pub(crate) is_json: bool,
    pub(crate) claims: Option<Map<String, Value>>,
}

/// Why a request is not acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub(crate) message: String,
    pub(crate) told: Option<String>,
}

impl Refusal {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), told: None }
    }

    /// What the sender may read of it; nothing before he is known.
    pub fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }
}

/// Where a Receiver listens: `/hook/` and the SHA-256 of token, name and namespace, in hex. Without a Secret the token is
/// empty.
pub fn webhook_path(token: &[u8], receiver: &NamespacedName) -> String {
    let mut digest = Sha256::new();
    digest.update(token);
    digest.update(&receiver.name);
    digest.update(&receiver.namespace);
    format!("/hook/{}", hex::encode(digest.finalize()))
}

/// Does a Receiver act on a request? `keys` are those of the issuer that [`identity`] names, `now` is in seconds since 1970.
///
/// # Errors
/// When the sender is not who he should be, or the event is not one that the Receiver is for.
pub fn accept<'a>(
    spec: &ReceiverSpec,
    request: &Request<'a>,
    secret: &Credentials,
    keys: Option<&Keys>,
    now: i64,
) -> Result<Accepted<'a>, Refusal> {
    let is_json = request.is_json();
    let accepted = |summary: String| Accepted {
        summary,
        body: Cow::Borrowed(request.body),
        is_json,
        claims: None,
    };
    let token = secret.token.expose();
    match &*spec.type_ {
        // The path holds a digest of the token: knowing it is the proof.
        "generic" => Ok(accepted("handling generic event".to_owned())),
        "generic-hmac" => {
            signature::check(request.header("X-Signature"), token, request.body)
                .map_err(|why| Refusal::new(format!("unable to validate HMAC signature: {why}")))?;
            Ok(accepted("handling signed event".to_owned()))
        }
        "github" => hub(spec, request, token, "GitHub", "X-GitHub-Event").map(accepted),
        "bitbucket" => hub(spec, request, token, "Bitbucket server", "X-Event-Key").map(accepted),
        "gitlab" => {
            has_token(request, "X-Gitlab-Token", token, "the X-Gitlab-Token header value")?;
            event(spec, request, "GitLab event", "X-Gitlab-Event").map(accepted)
        }
        "harbor" => {
            has_token(request, "Authorization", token, "the Harbor Authorization header value")?;
            Ok(accepted("handling Harbor event".to_owned()))
        }
        "cdevents" => {
            cdevents::check(request.body)
                .map_err(|why| Refusal::new(format!("unable to validate CDEvent event: {why}")))?;
            event(spec, request, "CDEvent", "Ce-Type").map(accepted)
        }
        "nexus" => {
            let header = request.header("X-Nexus-Webhook-Signature");
            if header.is_empty() {
                return Err(Refusal::new("the Nexus signature is missing from header"));
            }
            if !signature::check_bare(header, token, request.body) {
                return Err(Refusal::new("invalid Nexus signature"));
            }
            registry(spec, request.body).map(accepted)
        }
        "quay" | "dockerhub" | "acr" => registry(spec, request.body).map(accepted),
        "gcr" => {
            google(&found(identity(spec, request)?)?, secret, keys, now)?;
            let event = payload::Gcr::read(request.body).map_err(Refusal::new)?;
            let (digest, tag) = (shown(&event.digest), shown(&event.tag));
            let summary = format!("handling GCR event from {digest} for tag {tag}");
            let body = Cow::Owned(event.body().to_string().into_bytes());
            Ok(Accepted { summary, body, is_json, claims: None })
        }
        "generic-oidc" => {
            let claims = oidc(&found(identity(spec, request)?)?, keys, now)?;
            let summary = "handling event of an OIDC identity".to_owned();
            Ok(Accepted { claims: Some(claims), ..accepted(summary) })
        }
        other => Err(Refusal::new(format!("receiver type \"{other}\" not supported"))),
    }
}

fn found(identity: Option<Identity<'_>>) -> Result<Identity<'_>, Refusal> {
    identity.ok_or_else(|| Refusal::new("the Authorization header is missing or malformed"))
}

/// GitHub's way, which Gitea and Bitbucket Server go too.
fn hub(
    spec: &ReceiverSpec,
    request: &Request<'_>,
    token: &[u8],
    who: &str,
    header: &str,
) -> Result<String, Refusal> {
    let invalid = |why: &dyn std::fmt::Display| {
        Refusal::new(format!("the {who} signature header is invalid, err: {why}"))
    };
    let media_type = request.media_type();
    if !matches!(&*media_type, "application/json" | "application/x-www-form-urlencoded") {
        let why = format!("webhook request has unsupported Content-Type \"{media_type}\"");
        return Err(invalid(&why));
    }
    let signed = match request.header("X-Hub-Signature-256") {
        "" => request.header("X-Hub-Signature"),
        sha256 => sha256,
    };
    signature::check(signed, token, request.body).map_err(|why| invalid(&why))?;
    event(spec, request, &format!("{who} event"), header)
}

fn has_token(request: &Request<'_>, header: &str, token: &[u8], what: &str) -> Result<(), Refusal> {
    // An empty token would be proven by sending nothing.
    if !token.is_empty() && signature::is_equal(request.header(header).as_bytes(), token) {
        return Ok(());
    }
    Err(Refusal::new(format!("{what} does not match the receiver token")))
}

/// Is the event one of `spec.events`? All are when it is empty.
fn event(
    spec: &ReceiverSpec,
    request: &Request<'_>,
    what: &str,
    header: &str,
) -> Result<String, Refusal> {
    let event = request.header(header);
    let is_it = |wanted: &String| wanted.to_lowercase() == event.to_lowercase();
    if spec.events.is_empty() || spec.events.iter().any(is_it) {
        return Ok(format!("handling {what}: {event}"));
    }
    Err(Refusal::new(format!("the {what} \"{event}\" is not authorised")))
}

fn shown(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// What a registry says, if it says what its type should.
fn registry(spec: &ReceiverSpec, body: &[u8]) -> Result<String, Refusal> {
    let unreadable = |who: &str, why: serde_json::Error| {
        Refusal::new(format!("cannot decode {who} webhook payload: {why}"))
    };
    Ok(match &*spec.type_ {
        "quay" => {
            let event: payload::Quay =
                payload::first(body).map_err(|why| unreadable("Quay", why))?;
            format!("handling Quay event from {}", shown(&event.docker_url))
        }
        "dockerhub" => {
            let event: payload::DockerHub =
                payload::first(body).map_err(|why| unreadable("DockerHub", why))?;
            let from = event.repository.unwrap_or_default().repo_url;
            let tag = event.push_data.unwrap_or_default().tag;
            format!("handling DockerHub event from {} for tag {}", shown(&from), shown(&tag))
        }
        "acr" => {
            let event: payload::Acr = payload::first(body).map_err(|why| unreadable("ACR", why))?;
            let target = event.target.unwrap_or_default();
            let (from, tag) = (shown(&target.repository), shown(&target.tag));
            format!("handling ACR event from {from} for tag {tag}")
        }
        _ => {
            let event: payload::Nexus =
                payload::whole(body).map_err(|why| unreadable("Nexus", why))?;
            let from = event.repository_name;
            format!("handling Nexus event from {}", shown(&from))
        }
    })
}

fn keys_of<'k>(identity: &Identity<'_>, keys: Option<&'k Keys>) -> Result<&'k Keys, Refusal> {
    keys.ok_or_else(|| Refusal::new(format!("no keys of issuer \"{}\"", identity.issuer)))
}

/// Did the account push for which the Receiver is?
fn google(
    identity: &Identity<'_>,
    secret: &Credentials,
    keys: Option<&Keys>,
    now: i64,
) -> Result<(), Refusal> {
    let refuse = |why: &str| Refusal::new(format!("cannot authenticate GCR request: {why}"));
    for (field, value) in [("email", &secret.email), ("audience", &secret.audience)] {
        if value.is_empty() {
            let why = format!("invalid secret data: required field '{field}' for GCR receiver");
            return Err(Refusal::new(why));
        }
    }
    let keys = keys_of(identity, keys)?;
    let claims = token::verify(identity, &secret.audience, keys, now)
        .map_err(|refusal| refuse(&refusal.message))?;
    let email = claims.get("email").and_then(Value::as_str).unwrap_or_default();
    if email != secret.email {
        return Err(refuse(&format!("token email is '{email}', want '{}'", secret.email)));
    }
    if claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(refuse(&format!("token email '{email}' is not verified")));
    }
    Ok(())
}

fn oidc(
    identity: &Identity<'_>,
    keys: Option<&Keys>,
    now: i64,
) -> Result<Map<String, Value>, Refusal> {
    let Some(provider) = identity.provider else {
        return Err(Refusal::new("generic-oidc receiver has no oidcProviders configured"));
    };
    let audience = provider.audience.as_deref().filter(|audience| !audience.is_empty());
    let keys = keys_of(identity, keys)?;
    let claims = token::verify(identity, audience.unwrap_or(AUDIENCE), keys, now)?;
    let asked = Claims::of(provider).map_err(|why| {
        let issuer = identity.issuer;
        Refusal::new(format!("invalid oidcProvider configuration for issuer \"{issuer}\": {why}"))
    })?;
    asked.check(&claims)?;
    Ok(claims)
}
