use std::io::Read;
use std::sync::Arc;

use capstan_git::Guard;
use capstan_model::{Chain, FluxDuration};
use reqwest::blocking::{Client, Response};
use reqwest::redirect::{Attempt, Policy as Redirects};

use crate::Policy;
use crate::error::Cause;
use crate::within::within;

/// Servers that an answer may come from after the first.
const REDIRECTS: usize = 10;

/// What a server says of a URL.
pub(crate) enum Answer {
    /// The file.
    Content(Vec<u8>),
    /// There is no file, and why.
    Absent(String),
}

/// Gets the file at a URL. A page for people, as a Git server has one at the URL of a repository, is none.
pub(crate) fn get(url: &str, policy: &Policy) -> Result<Answer, Cause> {
    let (url, policy) = (url.to_owned(), *policy);
    match within(policy.timeout, move || get_now(&url, &policy)) {
        Some(answer) => answer,
        None => {
            let timeout = FluxDuration(policy.timeout);
            Err(Cause::transient(format!("it took longer than {timeout}"), "check that server"))
        }
    }
}

fn get_now(url: &str, policy: &Policy) -> Result<Answer, Cause> {
    if policy.guarded && !Guard::allows(url) {
        let why = "this is an address of this machine or of its link, which is not fetched from";
        return Err(Cause::new(why, "a remote file lies on another machine"));
    }
    // An error of reqwest names the URL, which may hold a password.
    let failed = |error: reqwest::Error| {
        let why = Chain(&error.without_url()).to_string();
        Cause::transient(why, "check the URL and the way to that server")
    };
    let response = client(policy).map_err(failed)?.get(url).send().map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        return Ok(Answer::Absent(format!("the server answers {status}")));
    }
    if is_page(&response) {
        return Ok(Answer::Absent("the server answers with a page".to_owned()));
    }
    let mut content = Vec::new();
    response
        .take(policy.file_size + 1)
        .read_to_end(&mut content)
        .map_err(|error| Cause::transient(error.to_string(), "check the way to that server"))?;
    if content.len() as u64 > policy.file_size {
        let why = format!("it has more than {} bytes", policy.file_size);
        return Err(Cause::new(why, "copy what is needed of it into the repository"));
    }
    let begins_page = content.trim_ascii_start().starts_with(b"<");
    Ok(if begins_page {
        Answer::Absent("the server answers with a page".to_owned())
    } else {
        Answer::Content(content)
    })
}

fn client(policy: &Policy) -> reqwest::Result<Client> {
    let guarded = policy.guarded;
    let redirects = move |attempt: Attempt<'_>| {
        let leaves_tls = attempt.url().scheme() != "https"
            && attempt.previous().iter().any(|url| url.scheme() == "https");
        let is_web = matches!(attempt.url().scheme(), "http" | "https");
        if !is_web || leaves_tls || (guarded && !Guard::allows(attempt.url().as_str())) {
            attempt.error("the server sends us to a place that is not asked")
        } else if attempt.previous().len() > REDIRECTS {
            attempt.error("the server sends us on without an end")
        } else {
            attempt.follow()
        }
    };
    let builder = Client::builder()
        .timeout(policy.timeout)
        .referer(false)
        .redirect(Redirects::custom(redirects));
    if guarded { builder.dns_resolver(Arc::new(Guard)).build() } else { builder.build() }
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("text/html"))
}
