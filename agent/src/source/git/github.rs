//! Provider `github`: tokens of an App's installation.

use std::time::SystemTime;

use capstan_git::{Credentials, GithubApp, Installation, Remote};
use capstan_model::{Manifest, Secret};
use capstan_report::Failure;

use super::auth::refuse;
use super::{Asking, failure};
use crate::source::secret::secret_text;

/// The key of the App's id.
pub(super) const APP_ID: &str = "githubAppID";

/// Credentials of the App in a Secret.
pub(super) async fn credentials(
    asked: &Asking<'_>,
    remote: &Remote,
    secret: Option<&Manifest>,
) -> Result<Credentials, Failure> {
    let wanted = "secretRef with github app data must be specified when provider is set to github";
    let invalid = || refuse("InvalidProviderConfiguration", wanted.to_owned());
    let Some(secret) = secret else { return Err(Failure { stalled: true, ..invalid() }) };
    if secret_text(secret, APP_ID).is_none() {
        return Err(invalid());
    }
    let app = app(secret).map_err(|cause| {
        let message = format!(
            "failed to configure authentication options: {cause} to use github app authentication; correct the Secret \
             '{}/{}'",
            secret.namespace(),
            secret.name(),
        );
        refuse("AuthenticationFailed", message)
    })?;
    let (repositories, remote) = (asked.world.repositories.clone(), remote.clone());
    let ask = move || repositories.github(&app, &remote, SystemTime::now());
    match tokio::task::spawn_blocking(ask).await {
        Ok(given) => given.map_err(|error| failure(&error)),
        Err(panic) => {
            Err(refuse("AuthenticationFailed", format!("asking GitHub panicked: {panic}")))
        }
    }
}

/// The App in a Secret, or what is missing in it.
fn app(secret: &Manifest) -> Result<GithubApp, &'static str> {
    let text = |key: &str| {
        secret_text(secret, key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let number =
        |key: &str| text(key).and_then(|text| text.parse::<u64>().ok()).filter(|id| *id > 0);
    let id = number(APP_ID).ok_or("app ID must be provided")?;
    let installation = match (text("githubAppInstallationOwner"), number("githubAppInstallationID"))
    {
        (Some(_), Some(_)) => {
            return Err("only one of app installation owner or ID must be provided");
        }
        (None, None) => return Err("app installation owner or ID must be provided"),
        (Some(owner), None) => Installation::Owner(owner),
        (None, Some(id)) => Installation::Id(id),
    };
    let key = secret_text(secret, "githubAppPrivateKey").filter(|key| !key.is_empty());
    let key = Secret::new(key.ok_or("private key must be provided")?);
    Ok(GithubApp { id, installation, key, api: text("githubAppBaseURL") })
}
