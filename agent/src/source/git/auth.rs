//! What opens a repository: the Secrets that the spec names, and the provider.

use std::time::Duration;

use capstan_cloud::codecommit;
use capstan_git::{Credentials, Proxy, Remote, SshKey, Tls};
use capstan_model::{Advice, Manifest, Secret};
use capstan_report::Failure;

use super::{Asking, github, is_ssh};
use crate::aws;
use crate::source::secret::{secret, secret_text};

/// Keys of a Secret that open something.
const KEYS: [&str; 9] = [
    "username",
    "password",
    "bearerToken",
    "ca.crt",
    "caFile",
    "tls.crt",
    "tls.key",
    "identity",
    "known_hosts",
];

/// Where to fetch from, and how to get in.
pub(super) async fn remote(asked: &Asking<'_>, timeout: Duration) -> Result<Remote, Failure> {
    let namespace = asked.object.namespace();
    let proxy = match &asked.spec.proxy_secret_ref {
        Some(reference) => Some(proxy(asked, namespace, &reference.name).await?),
        None => None,
    };
    let found = match &asked.spec.secret_ref {
        Some(reference) => {
            Some(secret(asked.world, (namespace, &reference.name), "secretRef").await?)
        }
        None => None,
    };
    let mut remote = Remote::new(&asked.spec.url, None, timeout);
    remote.proxy = proxy;
    if let Some(found) = &found {
        remote.tls = tls(found);
    }
    let given = match asked.spec.provider.as_deref() {
        Some("github") => Some(github::credentials(asked, &remote, found.as_ref()).await?),
        Some("aws") => Some(code_commit(asked).await?),
        Some("azure") => return Err(azure()),
        _ => match &found {
            Some(found) => generic(found, &remote)?,
            None => None,
        },
    };
    remote.credentials = given.or(remote.credentials);
    Ok(remote)
}

fn generic(found: &Manifest, remote: &Remote) -> Result<Option<Credentials>, Failure> {
    let (namespace, name) = (found.namespace(), found.name());
    if secret_text(found, github::APP_ID).is_some() {
        let message = format!(
            "secretRef '{namespace}/{name}' has github app data but provider is not set to github"
        );
        return Err(refuse("InvalidProviderConfiguration", message));
    }
    if !KEYS.iter().any(|key| secret_text(found, key).is_some()) {
        let message = format!(
            "invalid '{namespace}/{name}' secret data: required fields 'username' and 'password', or 'bearerToken', or \
             'identity' and 'known_hosts'; add them, or correct spec.secretRef"
        );
        return Err(refuse("AuthenticationFailed", message));
    }
    if is_ssh(remote) {
        return Ok(Some(Credentials::Ssh(ssh(found))));
    }
    let text = |key: &str| secret_text(found, key).filter(|text| !text.is_empty());
    if let Some(token) = secret_text(found, "bearerToken") {
        if remote.credentials.is_some() {
            let message = "failed to configure authentication options: basic auth and bearer token cannot be set at the \
                           same time; take user and password out of spec.url";
            return Err(refuse("AuthenticationFailed", message.to_owned()));
        }
        return Ok(Some(Credentials::Bearer(Secret::new(token))));
    }
    match (text("username"), text("password")) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let scheme = remote.url.split(':').next().unwrap_or_default();
            let message = format!(
                "failed to configure authentication options: invalid '{scheme}' auth option: 'password' requires \
                 'username' to be set; add it to the Secret '{namespace}/{name}'"
            );
            Err(refuse("AuthenticationFailed", message))
        }
        (Some(username), password) => {
            let password = Secret::new(password.unwrap_or_default());
            Ok(Some(Credentials::Basic { username, password }))
        }
    }
}

/// What is missing is said when the key is used.
fn ssh(found: &Manifest) -> SshKey {
    let text = |key: &str| secret_text(found, key).unwrap_or_default();
    SshKey {
        identity: Secret::new(text("identity")),
        password: secret_text(found, "password").map(Secret::new),
        known_hosts: text("known_hosts"),
    }
}

fn tls(found: &Manifest) -> Tls {
    let text = |key: &str| secret_text(found, key).filter(|text| !text.is_empty());
    let authorities = text("ca.crt").or_else(|| text("caFile")).map(String::into_bytes);
    let identity = text("tls.crt").zip(text("tls.key"));
    let identity = identity
        .map(|(certificate, key)| (certificate.into_bytes(), Secret::new(key.into_bytes())));
    Tls { authorities, identity }
}

async fn proxy(asked: &Asking<'_>, namespace: &str, name: &str) -> Result<Proxy, Failure> {
    let mut found = secret(asked.world, (namespace, name), "proxySecretRef").await;
    if let Err(failure) = &mut found {
        failure.message = format!("failed to configure proxy options: {}", failure.message);
    }
    let found = found?;
    let Some(address) = secret_text(&found, "address").filter(|text| !text.is_empty()) else {
        let message = format!(
            "failed to configure proxy options: secret '{namespace}/{name}': key 'address' not found; add it, such as \
             http://proxy.example:3128"
        );
        return Err(refuse("AuthenticationFailed", message));
    };
    let password = Secret::new(secret_text(&found, "password").unwrap_or_default());
    let credentials = secret_text(&found, "username").map(|username| (username, password));
    Ok(Proxy { address, credentials })
}

/// A password for CodeCommit, signed as the ServiceAccount of the spec or as this process.
async fn code_commit(asked: &Asking<'_>) -> Result<Credentials, Failure> {
    let account = asked.spec.service_account_name.as_deref();
    aws::check_gate(asked.world, account, ("spec.serviceAccountName", "provider"))?;
    let failed = |cause: String| {
        refuse(
            "AuthenticationFailed",
            format!("failed to configure authentication options: {cause}"),
        )
    };
    let (region, host, path) = codecommit(&asked.spec.url).map_err(failed)?;
    let account = aws::of_source(asked.world, asked.object.namespace(), account);
    let clients = aws::clients(asked.world, account.as_ref(), region).await;
    let clients = clients.map_err(|none| failed(none.why))?;
    let signed = clients.git_password(host, path).await;
    let signed = signed.map_err(|error| failed(Advice(&error).to_string()))?;
    Ok(Credentials::Basic { username: signed.username, password: signed.password })
}

fn azure() -> Failure {
    let message = "provider 'azure' is not supported: give username and password, or bearerToken, in a Secret that \
                   spec.secretRef names, and leave spec.provider out";
    Failure { stalled: true, ..refuse("InvalidProviderConfiguration", message.to_owned()) }
}

pub(super) fn refuse(reason: &str, message: String) -> Failure {
    Failure { reason: reason.to_owned(), message, stalled: false }
}
