//! How we get in: what is shown with every request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};

use crate::challenge::{Challenge, Token, encoded, scope};
use crate::registry::read;
use crate::{Login, OciError, Repository};

/// Bytes of a token.
const MOST_TOKEN: u64 = 1 << 20;

/// The value of the header `Authorization` that a registry wants, if it wants one.
pub(crate) async fn authorization(
    client: &Client,
    scheme: &str,
    repository: &Repository,
    challenge: Option<&Challenge>,
    login: Option<&Login>,
) -> Result<Option<HeaderValue>, OciError> {
    match (challenge, login) {
        (_, Some(Login::Bearer(token))) => sensitive(&format!("Bearer {}", token.expose())),
        (None | Some(Challenge::Basic), Some(Login::Basic { username, password })) => {
            sensitive(&basic(username, password.expose()))
        }
        (Some(Challenge::Bearer { realm, service }), login) => {
            let what = format!("failed to get a token for '{repository}'");
            if scheme == "https" && !realm.starts_with("https://") {
                let said = format!(": its authority '{realm}' is not asked over plain HTTP");
                return Err(OciError::Refused { what, status: 401, said });
            }
            let service = service.as_deref().unwrap_or_default();
            let request = asking(client, realm, service, &scope(&repository.name), login);
            let answer =
                request.send().await.map_err(|error| OciError::http(&what, &error.into()))?;
            let bytes = read(answer, &what, MOST_TOKEN).await?;
            let why = "its authority answers with no token".to_owned();
            let Ok(Token { token, access_token }) = serde_json::from_slice(&bytes) else {
                return Err(OciError::Registry { what, why });
            };
            let token = if token.is_empty() { access_token } else { token };
            if token.is_empty() {
                return Err(OciError::Registry { what, why });
            }
            sensitive(&format!("Bearer {token}"))
        }
        _ => Ok(None),
    }
}

fn asking(
    client: &Client,
    realm: &str,
    service: &str,
    scope: &str,
    login: Option<&Login>,
) -> RequestBuilder {
    if let Some(Login::Refresh(token)) = login {
        let form = encoded(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
            ("service", service),
            ("scope", scope),
            ("client_id", "capstan"),
        ]);
        let kind = "application/x-www-form-urlencoded";
        return client.post(realm).header(CONTENT_TYPE, kind).body(form);
    }
    let mut query = vec![("scope", scope)];
    if !service.is_empty() {
        query.push(("service", service));
    }
    let divider = if realm.contains('?') { '&' } else { '?' };
    let request = client.get(format!("{realm}{divider}{}", encoded(&query)));
    match login {
        Some(Login::Basic { username, password }) => {
            request.header(AUTHORIZATION, basic(username, password.expose()))
        }
        _ => request,
    }
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn sensitive(text: &str) -> Result<Option<HeaderValue>, OciError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| OciError::Credentials("the token is no text of a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}
