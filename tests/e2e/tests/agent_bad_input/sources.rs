//! Repositories that cannot be reached, authenticated or read.

use anyhow::{Context, Result, ensure};
use capstan_e2e::door::Door;
use capstan_e2e::stage::Stage;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{CREDENTIALS, Case, secret, source_kind};

/// A password that no server takes.
pub(crate) const WRONG_PASSWORD: &str = "wr0ng-pa55w0rd";
/// A password in a URL.
pub(crate) const URL_PASSWORD: &str = "url-pa55w0rd";

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("source-port-refused", port_refused(stage).boxed()),
        ("source-no-such-host", no_such_host(stage).boxed()),
        ("source-no-repository", no_repository(stage).boxed()),
        ("source-wrong-password", wrong_password(stage).boxed()),
        ("source-no-secret", no_secret(stage).boxed()),
        ("source-no-keys", no_keys(stage).boxed()),
        ("source-no-branch", no_branch(stage).boxed()),
        ("source-no-tag", no_tag(stage).boxed()),
        ("source-no-commit", no_commit(stage).boxed()),
        ("source-odd-branch", odd_branch(stage).boxed()),
        ("source-scheme", scheme(stage).boxed()),
        ("source-odd-url", odd_url(stage).boxed()),
        ("source-url-password", password_in_url(stage).boxed()),
        ("source-hangs", hangs(stage).boxed()),
    ]
}

/// From a good source to one with a bad spec, and back.
async fn spec(
    stage: &Stage,
    name: &'static str,
    bad: Value,
    (reason, words): (&str, &[&str]),
) -> Result<()> {
    let case = Case::begin(stage, name, &[]).await?;
    case.set_source(bad).await?;
    case.source_refused(reason, words).await?;
    mend(&case).await
}

/// What the source was at first.
async fn mend(case: &Case<'_>) -> Result<()> {
    case.set_source(json!({"url": case.repo.url(), "secretRef": {"name": CREDENTIALS},
        "timeout": "60s",
        "ref": {"branch": "main", "tag": null, "commit": null}}))
        .await?;
    case.follows_again().await
}

async fn port_refused(stage: &Stage) -> Result<()> {
    let url = "http://127.0.0.1:1/repo.git";
    let says: &[&str] = &[url, "refused", "spec.url"];
    spec(stage, "source-port-refused", json!({"url": url}), ("GitOperationFailed", says)).await
}

async fn no_such_host(stage: &Stage) -> Result<()> {
    let url = "http://no-such-host.invalid/repo.git";
    let says: &[&str] = &[url, "spec.url"];
    spec(stage, "source-no-such-host", json!({"url": url}), ("GitOperationFailed", says)).await
}

async fn no_repository(stage: &Stage) -> Result<()> {
    let url = format!("{}/no-such-repository.git", stage.kit.git.url());
    let says: &[&str] = &[&url, "not found", "spec.url"];
    spec(stage, "source-no-repository", json!({"url": url}), ("GitOperationFailed", says)).await
}

/// Nothing but the Secret changes: the source follows it.
async fn wrong_password(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "source-wrong-password", &[]).await?;
    let with = async |password: &str| {
        let data = [("username", stage.kit.git.user()), ("password", password)];
        stage.apply(&secret(case.name, &data)).await
    };
    with(stage.kit.git.password()).await?;
    case.set_source(json!({"secretRef": {"name": case.name}})).await?;
    case.follows_again().await?;
    with(WRONG_PASSWORD).await?;
    let url = case.repo.url();
    let says: &[&str] = &[&url, "refused the credentials", "spec.secretRef"];
    case.source_refused("AuthenticationFailed", says).await?;
    with(stage.kit.git.password()).await?;
    case.source_is_ready().await?;
    case.follows_again().await
}

async fn no_secret(stage: &Stage) -> Result<()> {
    let (user, password) = (stage.kit.git.user(), stage.kit.git.password());
    let case = Case::begin(stage, "source-no-secret", &[]).await?;
    case.set_source(json!({"secretRef": {"name": case.name}})).await?;
    let says = &["'flux-system/source-no-secret'", "not found", "create it", "spec.secretRef"];
    case.source_refused("AuthenticationFailed", says).await?;
    stage.apply(&secret(case.name, &[("username", user), ("password", password)])).await?;
    case.source_is_ready().await?;
    case.follows_again().await
}

async fn no_keys(stage: &Stage) -> Result<()> {
    stage.apply(&secret("source-no-keys", &[("user", "git")])).await?;
    let bad = json!({"secretRef": {"name": "source-no-keys"}});
    let says: &[&str] = &["'flux-system/source-no-keys'", "'username'", "'password'"];
    spec(stage, "source-no-keys", bad, ("AuthenticationFailed", says)).await
}

async fn no_branch(stage: &Stage) -> Result<()> {
    let says: &[&str] = &["no branch 'absent'", "source-no-branch.git", "spec.ref"];
    let bad = json!({"ref": {"branch": "absent"}});
    spec(stage, "source-no-branch", bad, ("GitOperationFailed", says)).await
}

async fn no_tag(stage: &Stage) -> Result<()> {
    let says: &[&str] = &["no tag 'v9'", "source-no-tag.git", "spec.ref"];
    spec(stage, "source-no-tag", json!({"ref": {"tag": "v9"}}), ("GitOperationFailed", says)).await
}

async fn no_commit(stage: &Stage) -> Result<()> {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let wanted = format!("no commit '{commit}'");
    let says: &[&str] = &[&wanted, "source-no-commit.git", "spec.ref"];
    let bad = json!({"ref": {"commit": commit}});
    spec(stage, "source-no-commit", bad, ("GitOperationFailed", says)).await
}

async fn odd_branch(stage: &Stage) -> Result<()> {
    let says: &[&str] = &["branch 'two words'", "spec.ref"];
    let case = Case::begin(stage, "source-odd-branch", &[]).await?;
    case.set_source(json!({"ref": {"branch": "two words"}})).await?;
    case.source_refused("GitOperationFailed", says).await?;
    case.is_stalled(&source_kind()).await?;
    mend(&case).await
}

/// A scheme that nobody knows does not even get into the cluster.
async fn scheme(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "source-scheme", &[]).await?;
    let refused = case.set_source(json!({"url": "ftp://example.com/repo.git"})).await;
    let message = format!("{:#}", refused.err().context("ftp:// was accepted")?);
    ensure!(message.contains("spec.url"), "{message}");
    case.follows_again().await
}

async fn odd_url(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "source-odd-url", &[]).await?;
    let url = "http://127.0.0.1:99999/repo.git";
    case.set_source(json!({"url": url})).await?;
    case.source_refused("URLInvalid", &[url, "spec.url"]).await?;
    case.is_stalled(&source_kind()).await?;
    mend(&case).await
}

/// Whoever writes a password into the URL does not read it in conditions; the last look is `leaks`.
async fn password_in_url(stage: &Stage) -> Result<()> {
    let host = stage.kit.git.url().replace("http://", "");
    let url = format!("http://git:{URL_PASSWORD}@{host}/source-url-password.git");
    let bad = json!({"url": url, "secretRef": null});
    let says: &[&str] = &[&host, "spec.secretRef"];
    spec(stage, "source-url-password", bad, ("AuthenticationFailed", says)).await
}

/// A server that accepts and never answers, and then does.
async fn hangs(stage: &Stage) -> Result<()> {
    let case = Case::begin(stage, "source-hangs", &[]).await?;
    let door = Door::open(&stage.kit.git.url()).await?;
    let url = format!("{}/{}.git", door.url(), case.name);
    case.set_source(json!({"url": url, "timeout": "2s"})).await?;
    case.follows_again().await?;
    door.close_after(0);
    let commit = case.push(&[]).await?;
    case.source_refused("GitOperationFailed", &[&url, "2s", "spec.timeout"]).await?;
    door.open_again();
    case.mended(&commit).await
}
