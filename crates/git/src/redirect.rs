//! Where a server sends the first request on to.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, LOCATION};

use crate::http::{authorization, configured};
use crate::{FetchError, Remote};

/// Redirects in a row, as go-git has it.
const MOST: usize = 10;

/// What gix says instead of sending our header to somebody whom it was not meant for.
const REFUSAL: &str = "refusing to follow redirect after request headers were configured";

/// Was the fetch given up because of a redirect that has to be looked at?
pub(crate) fn is_due(cause: &str, remote: &Remote) -> bool {
    cause.contains(REFUSAL) && !remote.bounds.guarded
}

/// The remote that the server leads to. Credentials go along only while host and port stay, and never back to plain http.
pub(crate) fn follow(remote: &Remote) -> Result<Remote, FetchError> {
    let mut remote = remote.clone();
    for _ in 0..MOST {
        match next(&remote)? {
            Some(next) => remote = next,
            None => return Ok(remote),
        }
    }
    Err(failed(&remote, "too many redirects"))
}

fn next(remote: &Remote) -> Result<Option<Remote>, FetchError> {
    let tail = "/info/refs?service=git-upload-pack";
    let unable = |cause: reqwest::Error| failed(remote, &capstan_model::Chain(&cause).to_string());
    let builder = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = configured(remote)?(builder).build().map_err(unable)?;
    let base = remote.url.trim_end_matches('/');
    let mut request = client.get(format!("{base}{tail}"));
    if let Some(value) = authorization(remote) {
        request = request.header(AUTHORIZATION, value);
    }
    let answer = request.send().map_err(unable)?;
    if !answer.status().is_redirection() {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| answer.url().join(location).ok());
    let target = target.ok_or_else(|| failed(remote, "a redirect leads nowhere"))?;
    let Some(base) = target.as_str().strip_suffix(tail) else {
        return Err(failed(
            remote,
            &format!("the redirect to `{target}` is not one of a repository"),
        ));
    };
    let from = answer.url();
    if !matches!(target.scheme(), "http" | "https")
        || (from.scheme() == "https" && target.scheme() == "http")
    {
        let why = format!("the redirect to `{target}` changes the scheme from {}", from.scheme());
        return Err(failed(remote, &why));
    }
    let mut next = Remote { url: base.to_owned(), ..remote.clone() };
    if place(from) != place(&target) {
        next.credentials = None;
    }
    Ok(Some(next))
}

fn place(url: &Url) -> (Option<&str>, Option<u16>) {
    (url.host_str(), url.port_or_known_default())
}

fn failed(remote: &Remote, cause: &str) -> FetchError {
    FetchError::Remote { url: remote.url.clone(), cause: cause.to_owned() }
}
