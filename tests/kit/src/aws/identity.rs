//! Who calls: issuers of web identities, the temporary keys they are exchanged for, and the
//! check of every signature.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::directory::{Directory, Role};
use super::error::{self, AwsError, Reply};
use super::form::Form;
use super::route::Call;
use super::sigv4::{Keys, Presented, Signable};
use super::trust::{Conditions, Question, Verdict};
use super::xml::Element;

/// AWS refuses a request whose date is further from its clock than this.
const CLOCK_WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// AWS's bounds of a session's length in seconds.
const SESSION_SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`, or the account's root.
    pub(crate) arn: String,
    /// The role's own ARN, or the account's root.
    pub(crate) canonical_arn: String,
    pub(crate) user_id: String,
    /// `None` for root, which may do everything.
    pub(crate) role: Option<String>,
    pub(crate) session_name: String,
    pub(crate) access_key: String,
}

#[derive(Clone)]
pub(crate) struct Session {
    keys: Keys,
    pub(crate) caller: Caller,
    expires: Timestamp,
}

/// Issuers and sessions.
pub(crate) struct Identities {
    account: String,
    root: Keys,
    directory: Arc<Directory>,
    /// Issuer URL → PEM public keys.
    issuers: Mutex<HashMap<String, Vec<String>>>,
    sessions: Mutex<HashMap<String, Session>>,
}

impl Identities {
    pub(crate) fn new(account: &str, root: Keys, directory: Arc<Directory>) -> Self {
        Self {
            account: account.into(),
            root,
            directory,
            issuers: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    /// Makes tokens of this issuer verifiable, as AWS does by fetching its keys.
    pub(crate) fn register_issuer(&self, issuer: &str, public_key_pem: &str) {
        let mut issuers = self.issuers.lock().expect("because no holder of the issuers panics");
        let keys = issuers.entry(issuer.trim_end_matches('/').into()).or_default();
        if !keys.iter().any(|known| known == public_key_pem) {
            keys.push(public_key_pem.into());
        }
    }

    /// The issuer is gone: nobody serves its keys any more.
    pub(crate) fn remove_issuer(&self, issuer: &str) {
        self.issuers.lock().expect("because no holder of the issuers panics").remove(issuer);
    }

    /// The caller of a signed request, its signature checked.
    pub(crate) fn authenticate(&self, call: &Call, now: Timestamp) -> Result<Caller, AwsError> {
        let presented = call.presented.as_ref().ok_or_else(|| {
            AwsError::new(403, "MissingAuthenticationToken", "Request is missing its signature")
        })?;
        if !presented.is_fresh(now, CLOCK_WINDOW) {
            return Err(error::bad_signature(&call.service, "Signature expired"));
        }
        self.caller(presented, &call.signable(), now)
            .map_err(|refusal| refusal.as_error(&call.service))
    }

    /// The caller behind a signature, wherever it was found.
    pub(crate) fn caller(
        &self,
        presented: &Presented,
        signed: &Signable<'_>,
        now: Timestamp,
    ) -> Result<Caller, Refusal> {
        let key = &presented.scope.access_key;
        if *key == self.root.access_key {
            return match presented.fits(signed, &self.root.secret_key) {
                true => Ok(self.root_caller()),
                false => Err(Refusal::BadSignature),
            };
        }
        let session = self.session(key).ok_or(Refusal::UnknownKey)?;
        if session.keys.session_token != presented.session_token {
            return Err(Refusal::UnknownKey);
        }
        if !presented.fits(signed, &session.keys.secret_key) {
            return Err(Refusal::BadSignature);
        }
        if session.expires <= now {
            return Err(Refusal::Expired);
        }
        Ok(session.caller)
    }

    /// Ends every session of a role at once, as if its keys had run out.
    pub(crate) fn expire_sessions(&self, role_arn: &str) {
        let mut sessions = self.sessions.lock().expect("because no holder of the sessions panics");
        for session in sessions.values_mut() {
            if session.caller.canonical_arn == role_arn {
                session.expires = Timestamp::UNIX_EPOCH;
            }
        }
    }

    fn session(&self, key: &str) -> Option<Session> {
        self.sessions.lock().expect("because no holder of the sessions panics").get(key).cloned()
    }

    pub(crate) fn root_arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.account)
    }

    fn root_caller(&self) -> Caller {
        let arn = self.root_arn();
        Caller {
            canonical_arn: arn.clone(),
            arn,
            user_id: self.account.clone(),
            role: None,
            session_name: String::new(),
            access_key: self.root.access_key.clone(),
        }
    }

    /// `GetCallerIdentity`, which needs no permission.
    pub(crate) fn caller_identity(&self, caller: &Caller) -> Reply {
        let result = vec![
            Element::leaf("Arn", &caller.arn),
            Element::leaf("UserId", &caller.user_id),
            Element::leaf("Account", &self.account),
        ];
        Reply::query("sts", "GetCallerIdentity", result)
    }

    /// `AssumeRoleWithWebIdentity`: token, provider, audience, role and trust policy are checked.
    pub(crate) async fn assume_with_web_identity(
        &self,
        form: &Form,
        now: Timestamp,
    ) -> Result<Reply, AwsError> {
        let ask = Asked::read(form)?;
        let token = Token::read(ask.token).ok_or_else(|| {
            invalid_token("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
        })?;
        let provider = format!("arn:aws:iam::{}:oidc-provider/{}", self.account, token.host_path());
        let clients = self.directory.oidc_clients(&provider).await?.ok_or_else(|| {
            invalid_token(format!(
                "No OpenIDConnect provider found in your account for {}",
                token.issuer
            ))
        })?;
        let claims = self.verified(ask.token, &token.issuer)?;
        if !clients.iter().any(|client| token.audiences.contains(client)) {
            return Err(invalid_token("Incorrect token audience"));
        }
        let role = self.trusting_role(ask.role_arn, &provider, &token).await?;
        if ask.seconds > role.max_session {
            return Err(validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let expires = now + SignedDuration::from_secs(ask.seconds);
        let session = self.open(&role, ask.session_name, expires);
        Ok(answer(&session, &claims, &provider, &token))
    }

    /// The token's claims after its signature and its times were checked.
    fn verified(&self, token: &str, issuer: &str) -> Result<Value, AwsError> {
        let keys = self.issuers.lock().expect("because no holder of the issuers panics");
        let keys = keys.get(issuer.trim_end_matches('/')).cloned().ok_or_else(|| {
            invalid_token("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
        })?;
        let algorithm = decode_header(token)
            .map(|header| header.alg)
            .map_err(|e| invalid_token(format!("Token header invalid: {e}")))?;
        let mut failure = invalid_token("Token signature invalid");
        for pem in keys {
            match verified_with(token, algorithm, &pem) {
                Ok(claims) => return Ok(claims),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn trusting_role(
        &self,
        arn: &str,
        provider: &str,
        token: &Token,
    ) -> Result<Arc<Role>, AwsError> {
        let refused = || {
            AwsError::new(
                403,
                "AccessDenied",
                "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            )
        };
        let role = self.directory.role_by_arn(arn).await?.ok_or_else(refused)?;
        let conditions = token.conditions();
        let question = Question {
            principal: Some(("Federated", provider)),
            action: "sts:AssumeRoleWithWebIdentity",
            resource: None,
            conditions: &conditions,
        };
        let trusted = role.trust.as_ref().map(|trust| trust.answer(&question));
        if trusted == Some(Verdict::Allowed) { Ok(role) } else { Err(refused()) }
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn open(&self, role: &Role, session_name: &str, expires: Timestamp) -> Session {
        let access_key = format!("ASIA{}", random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
        let arn =
            format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", self.account, role.name);
        let session = Session {
            keys: Keys {
                access_key: access_key.clone(),
                secret_key: random_text(40, ALPHANUMERIC),
                session_token: Some(random_text(256, ALPHANUMERIC)),
            },
            caller: Caller {
                arn,
                canonical_arn: role.arn.clone(),
                user_id: format!("{}:{session_name}", role.id),
                role: Some(role.name.clone()),
                session_name: session_name.into(),
                access_key: access_key.clone(),
            },
            expires,
        };
        let mut sessions = self.sessions.lock().expect("because no holder of the sessions panics");
        sessions.insert(access_key, session.clone());
        session
    }
}

/// Why a signature names no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownKey,
    BadSignature,
    Expired,
}

impl Refusal {
    fn as_error(self, service: &str) -> AwsError {
        match self {
            Self::UnknownKey => error::unknown_key(service),
            Self::Expired => error::expired(service),
            Self::BadSignature => error::bad_signature(
                service,
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method.",
            ),
        }
    }
}

struct Asked<'a> {
    token: &'a str,
    role_arn: &'a str,
    session_name: &'a str,
    seconds: i64,
}

impl<'a> Asked<'a> {
    fn read(form: &'a Form) -> Result<Self, AwsError> {
        let required = |name: &str| {
            form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                validation(format!("1 validation error detected: Value null at '{name}'"))
            })
        };
        let seconds = form.get("DurationSeconds").map_or(Ok(3600), str::parse).unwrap_or(0);
        if !SESSION_SECONDS.contains(&seconds) {
            return Err(validation("DurationSeconds must be between 900 and 43200"));
        }
        let session_name = required("RoleSessionName")?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
        if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(legal) {
            return Err(validation(format!("RoleSessionName {session_name} is not valid")));
        }
        Ok(Self {
            token: required("WebIdentityToken")?,
            role_arn: required("RoleArn")?,
            session_name,
            seconds,
        })
    }
}

/// The claims of a token that decide which key verifies it; not yet trusted.
struct Token {
    issuer: String,
    subject: String,
    audiences: Vec<String>,
}

impl Token {
    fn read(token: &str) -> Option<Self> {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let audiences = match claims.get("aud")? {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => {
                many.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            _ => return None,
        };
        Some(Self { issuer: text("iss")?, subject: text("sub")?, audiences })
    }

    fn host_path(&self) -> &str {
        self.issuer.strip_prefix("https://").unwrap_or(&self.issuer).trim_end_matches('/')
    }

    fn conditions(&self) -> Conditions {
        let key = |name: &str| format!("{}:{name}", self.host_path()).to_ascii_lowercase();
        Conditions::from([
            (key("aud"), self.audiences.clone()),
            (key("sub"), vec![self.subject.clone()]),
        ])
    }
}

fn verified_with(token: &str, algorithm: Algorithm, pem: &str) -> Result<Value, AwsError> {
    let key = match algorithm {
        Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 => {
            DecodingKey::from_rsa_pem(pem.as_bytes())
        }
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem.as_bytes()),
        other => return Err(invalid_token(format!("Unsupported algorithm {other:?}"))),
    };
    let key = key.map_err(|e| invalid_token(format!("The issuer's key cannot be used: {e}")))?;
    let mut rules = Validation::new(algorithm);
    // The audience is checked against the provider's client ids, which AWS does afterwards.
    rules.validate_aud = false;
    rules.validate_nbf = true;
    match decode::<Value>(token, &key, &rules) {
        Ok(decoded) => Ok(decoded.claims),
        Err(e) if *e.kind() == jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
            Err(AwsError::new(400, "ExpiredTokenException", "Token expired"))
        }
        Err(e) => Err(invalid_token(format!("Token signature invalid: {e}"))),
    }
}

pub(crate) fn credentials(session: &Session) -> Vec<Element> {
    let keys = &session.keys;
    vec![
        Element::leaf("AccessKeyId", &keys.access_key),
        Element::leaf("SecretAccessKey", &keys.secret_key),
        Element::leaf("SessionToken", keys.session_token.as_deref().unwrap_or_default()),
        Element::leaf("Expiration", session.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    ]
}

fn answer(session: &Session, claims: &Value, provider: &str, token: &Token) -> Reply {
    let user = vec![
        Element::leaf("Arn", &session.caller.arn),
        Element::leaf("AssumedRoleId", &session.caller.user_id),
    ];
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let result = vec![
        Element::leaf("SubjectFromWebIdentityToken", subject),
        Element::leaf("Audience", token.audiences.first().map_or("", String::as_str)),
        Element::node("AssumedRoleUser", user),
        Element::node("Credentials", credentials(session)),
        Element::leaf("Provider", provider),
    ];
    Reply::query("sts", "AssumeRoleWithWebIdentity", result)
}

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random text over an alphabet.
pub(crate) fn random_text(length: usize, alphabet: &[u8]) -> String {
    (0..length).map(|_| char::from(alphabet[rand::random_range(0..alphabet.len())])).collect()
}

fn invalid_token(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidIdentityToken", message)
}

fn validation(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ValidationError", message)
}
