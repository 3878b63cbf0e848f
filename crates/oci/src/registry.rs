use std::collections::BTreeMap;

use capstan_http::{Connection, HttpError, body};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LINK, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;

use crate::authority::authorization;
use crate::challenge::Challenge;
use crate::manifest::{ACCEPTED, Descriptor, Manifest};
use crate::{Digest, Keychain, OciError, Repository, tags};

/// Bytes of a manifest, as registries have it.
const MOST_MANIFEST: u64 = 4 << 20;
/// Bytes of one page of tags, or of an error.
const MOST_PAGE: u64 = 8 << 20;
/// Pages of tags.
const MOST_PAGES: usize = 1000;
/// Bytes of what a registry says of an error that are shown.
const MOST_SAID: usize = 500;

/// A repository of a registry that has let us in.
#[derive(Clone, Debug)]
pub struct Registry {
    client: Client,
    /// `https://<host>`.
    base: String,
    repository: Repository,
    authorization: Option<HeaderValue>,
}

/// Which revision is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// That of a digest.
    Digest(String),
    /// That of the newest tag in a range.
    Newest {
        /// Range of versions.
        range: String,
        /// Regular expression that tags must match.
        filter: Option<String>,
    },
    /// That of a tag.
    Tag(String),
}

/// A revision that the registry has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its tag, where one was asked for.
    pub tag: Option<String>,
    /// Digest of its manifest.
    pub digest: Digest,
}

impl Found {
    /// As Flux writes it: `<tag>@<digest>`, or the digest alone.
    pub fn revision(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{tag}@{}", self.digest),
            None => self.digest.to_string(),
        }
    }
}

impl Registry {
    /// Finds out how the registry wants to be spoken to, and logs in.
    ///
    /// Plain HTTP is tried after HTTPS, where it is allowed or the registry is on this machine or in a private network.
    ///
    /// # Errors
    /// When it cannot be reached, or does not take the login.
    pub async fn open(
        repository: Repository,
        connection: &Connection,
        keychain: &Keychain,
        insecure: bool,
    ) -> Result<Self, OciError> {
        let what = format!("failed to reach the registry of '{repository}'");
        let client = connection.client().map_err(|error| OciError::http(&what, &error))?;
        let plain = (insecure || repository.is_local()).then_some("http");
        let mut failed = Vec::new();
        for scheme in ["https"].into_iter().chain(plain) {
            let base = format!("{scheme}://{}", repository.host());
            let answer = match client.get(format!("{base}/v2/")).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    failed.push(format!("{scheme}: {}", HttpError::from(error)));
                    continue;
                }
            };
            let challenge = challenge(&answer, &what)?;
            let login = keychain.find(&repository);
            let authorization =
                authorization(&client, scheme, &repository, challenge.as_ref(), login).await?;
            return Ok(Self { client, base, repository, authorization });
        }
        Err(OciError::Registry { what, why: failed.join("; ") })
    }

    /// The repository.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The revision that is wanted. `media_type` is that of the layer: charts write their versions in another way.
    ///
    /// # Errors
    /// When the registry has none.
    pub async fn find(&self, wanted: &Wanted, media_type: Option<&str>) -> Result<Found, OciError> {
        match wanted {
            Wanted::Digest(text) => {
                let digest = Digest::parse(text).ok_or_else(|| OciError::NotFound {
                    what: "failed to determine artifact digest".to_owned(),
                    said: format!(": '{text}' is no digest that can be checked"),
                })?;
                Ok(Found { tag: None, digest })
            }
            Wanted::Newest { range, filter } => {
                let all = self.tags().await?;
                let newest = tags::newest(&all, range, filter.as_deref(), media_type);
                let url = format!("oci://{}", self.repository);
                let tag = newest.map_err(|why| OciError::NoTag { url, why })?;
                self.tagged(&tag).await
            }
            Wanted::Tag(tag) => self.tagged(tag).await,
        }
    }

    async fn tagged(&self, tag: &str) -> Result<Found, OciError> {
        let what = format!("failed to determine artifact digest: {}:{tag}", self.repository);
        if !is_tag(tag) {
            let said = format!(": '{tag}' is no tag");
            return Err(OciError::NotFound { what, said });
        }
        let path = format!("manifests/{tag}");
        let said = self.ask(Method::HEAD, &path, &what).await?;
        let header = said.headers().get("Docker-Content-Digest").and_then(|v| v.to_str().ok());
        let digest = header.and_then(Digest::parse).filter(|_| said.status().is_success());
        let digest = match digest {
            Some(digest) => digest,
            None => Digest::of(&self.get(&path, &what, MOST_MANIFEST).await?),
        };
        Ok(Found { tag: Some(tag.to_owned()), digest })
    }

    /// The manifest of a digest; of an index, that for linux/amd64.
    ///
    /// # Errors
    /// When the registry has none, or another one.
    pub async fn manifest(&self, digest: &Digest) -> Result<Manifest, OciError> {
        let manifest = self.manifest_as_is(digest).await?;
        if manifest.is_index() {
            return self.manifest_as_is(&manifest.child()?).await;
        }
        Ok(manifest)
    }

    pub(crate) async fn manifest_as_is(&self, digest: &Digest) -> Result<Manifest, OciError> {
        let what = format!("failed to pull artifact from 'oci://{}@{digest}'", self.repository);
        let bytes = self.get(&format!("manifests/{digest}"), &what, MOST_MANIFEST).await?;
        if !digest.is_of(&bytes) {
            let why = format!(
                "the registry answers with a manifest of another digest, {}",
                Digest::of(&bytes)
            );
            return Err(OciError::Layer(format!("{what}: {why}")));
        }
        Manifest::parse(&bytes)
    }

    /// The bytes of a layer, at most `most`, which its digest vouches for.
    ///
    /// # Errors
    /// When it is not there, too large, or not what its digest says.
    pub async fn layer(&self, layer: &Descriptor, most: u64) -> Result<Vec<u8>, OciError> {
        let what = format!("failed to pull layer '{}' of '{}'", layer.digest, self.repository);
        let refuse = |why: String| OciError::Layer(format!("{what}: {why}"));
        let Some(digest) = Digest::parse(&layer.digest) else {
            return Err(refuse("the manifest has no digest of it that can be checked".to_owned()));
        };
        if layer.size > most {
            let size = layer.size;
            return Err(refuse(format!("it has {size} bytes, and may have {most}")));
        }
        let bytes = self.get(&format!("blobs/{digest}"), &what, layer.size).await?;
        if bytes.len() as u64 != layer.size || !digest.is_of(&bytes) {
            return Err(refuse("what the registry sends has another size or digest".to_owned()));
        }
        Ok(bytes)
    }

    /// The manifests that say something of another, such as signatures.
    pub(crate) async fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, OciError> {
        let what = format!("failed to list the referrers of '{}@{digest}'", self.repository);
        let answer = self.ask(Method::GET, &format!("referrers/{digest}"), &what).await?;
        let bytes = if answer.status().is_success() {
            body(answer, MOST_MANIFEST).await.map_err(|error| OciError::http(&what, &error))?
        } else {
            // Registries that do not list them keep the list under a tag.
            let tag = digest.as_str().replace(':', "-");
            match self.get(&format!("manifests/{tag}"), &what, MOST_MANIFEST).await {
                Err(OciError::NotFound { .. }) => return Ok(Vec::new()),
                bytes => bytes?,
            }
        };
        Ok(Manifest::parse(&bytes)?.manifests)
    }

    async fn tags(&self) -> Result<Vec<String>, OciError> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let url = format!("oci://{}", self.repository);
        let what = format!("failed to determine the artifact tag for '{url}'");
        let mut path = "tags/list?n=1000".to_owned();
        let mut tags = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.ask(Method::GET, &path, &what).await?;
            let next = next_page(&answer, &self.repository);
            let bytes = read(answer, &what, MOST_PAGE).await?;
            let page: Page = serde_json::from_slice(&bytes).map_err(|error| {
                OciError::Registry { what: what.clone(), why: format!("no list of tags: {error}") }
            })?;
            tags.extend(page.tags.into_iter().flatten());
            match next {
                Some(next) => path = next,
                None => return Ok(tags),
            }
        }
        let why = format!("there are more than {MOST_PAGES} pages of tags");
        Err(OciError::NoTag { url, why })
    }

    async fn get(&self, path: &str, what: &str, most: u64) -> Result<Vec<u8>, OciError> {
        read(self.ask(Method::GET, path, what).await?, what, most).await
    }

    async fn ask(&self, method: Method, path: &str, what: &str) -> Result<Response, OciError> {
        let url = format!("{}/v2/{}/{path}", self.base, self.repository.name);
        let mut request = self.client.request(method, url).header(ACCEPT, ACCEPTED);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|error| OciError::http(what, &error.into()))
    }
}

/// What a registry asks for, if it does not simply answer.
fn challenge(answer: &Response, what: &str) -> Result<Option<Challenge>, OciError> {
    let status = answer.status();
    if status != StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    let mut headers = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    let found = headers.find_map(|header| Challenge::parse(header.to_str().ok()?));
    found.map(Some).ok_or_else(|| OciError::Refused {
        what: what.to_owned(),
        status: status.as_u16(),
        said: ": it asks for no login that we know".to_owned(),
    })
}

pub(crate) async fn read(answer: Response, what: &str, most: u64) -> Result<Vec<u8>, OciError> {
    let status = answer.status();
    if status.is_success() {
        return body(answer, most).await.map_err(|error| match error {
            HttpError::TooLarge(_) => OciError::Layer(format!("{what}: {error}")),
            error => OciError::http(what, &error),
        });
    }
    let (what, said) = (what.to_owned(), said(answer).await);
    Err(match status.as_u16() {
        404 => OciError::NotFound { what, said },
        status @ (401 | 403) => OciError::Refused { what, status, said },
        status => {
            let why = format!("the registry answers {status}{said}");
            OciError::Registry { what, why }
        }
    })
}

/// What a registry says of an error.
async fn said(answer: Response) -> String {
    #[derive(Deserialize)]
    struct Said {
        errors: Vec<BTreeMap<String, serde_json::Value>>,
    }
    let bytes = body(answer, MOST_PAGE).await.unwrap_or_default();
    let Ok(said) = serde_json::from_slice::<Said>(&bytes) else { return String::new() };
    let text = |error: &BTreeMap<String, serde_json::Value>, key: &str| {
        error.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
    };
    let one = |error| format!(": {}: {}", text(error, "code"), text(error, "message"));
    said.errors.iter().map(one).collect::<String>().chars().take(MOST_SAID).collect()
}

/// The next page, as a path below the repository; no other host and no other repository is asked.
fn next_page(answer: &Response, repository: &Repository) -> Option<String> {
    let link = answer.headers().get(LINK)?.to_str().ok()?;
    let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
    let next = answer.url().join(target).ok().filter(|_| rest.contains("next"))?;
    below(&next, repository)
}

fn below(url: &Url, repository: &Repository) -> Option<String> {
    let path = url.path().strip_prefix(&format!("/v2/{}/", repository.name))?;
    Some(format!("{path}?{}", url.query()?))
}

fn is_tag(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(plain)
        && !text.starts_with(['.', '-'])
}
