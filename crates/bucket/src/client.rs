use std::time::SystemTime;

use capstan_http::{Connection, HttpError, body};
use capstan_model::Secret;
use reqwest::header::ETAG;
use reqwest::{Client, Method, Response, Url};

use crate::page::{Page, etag, said};
use crate::{BucketError, Index, sign};

/// Bytes of one page of a list, or of an error.
const MOST_PAGE: u64 = 8 << 20;
/// Objects of one bucket.
const MOST_OBJECTS: u64 = 100_000;

/// Where a bucket is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `<host>[:<port>]` of the store.
    pub endpoint: String,
    /// Plain HTTP.
    pub insecure: bool,
    /// Region; `us-east-1` when it is empty.
    pub region: String,
    /// Name of the bucket.
    pub bucket: String,
}

/// Keys of a user.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Access key id.
    pub id: String,
    /// Secret access key.
    pub secret: Secret<String>,
    /// Session token of temporary keys.
    pub session: Option<Secret<String>>,
}

/// A bucket, addressed by path, which every store understands.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    base: Url,
    name: String,
    region: String,
    keys: Option<Keys>,
}

/// An object as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Bucket {
    /// A bucket; nothing is asked yet. Without keys it is asked as nobody.
    ///
    /// # Errors
    /// When the endpoint is none, or the connection's Secrets cannot be used.
    pub fn open(
        place: &Place,
        connection: &Connection,
        keys: Option<Keys>,
    ) -> Result<Self, BucketError> {
        let refused = || BucketError::Endpoint(place.endpoint.clone());
        let region =
            if place.region.is_empty() { "us-east-1".to_owned() } else { place.region.clone() };
        let host = match &*place.endpoint {
            "s3.amazonaws.com" if !place.region.is_empty() => format!("s3.{region}.amazonaws.com"),
            endpoint => endpoint.to_owned(),
        };
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(refused());
        }
        let scheme = if place.insecure { "http" } else { "https" };
        let mut base = Url::parse(&format!("{scheme}://{host}/")).map_err(|_| refused())?;
        base.path_segments_mut().map_err(|()| refused())?.pop_if_empty().push(&place.bucket);
        let client = connection.client().map_err(|error| BucketError::Store {
            what: format!("failed to reach '{}'", place.endpoint),
            why: error.to_string(),
        })?;
        Ok(Self { client, base, name: place.bucket.clone(), region, keys })
    }

    /// Lists the objects whose keys begin so and are wanted, by pages.
    ///
    /// # Errors
    /// When the bucket is not there, refuses us, or holds too much.
    pub async fn list(
        &self,
        prefix: &str,
        most: u64,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Index, BucketError> {
        let bucket = &self.name;
        let too_large = |what, most| BucketError::TooLarge { bucket: bucket.clone(), what, most };
        let mut index = Index::default();
        let (mut token, mut size): (Option<String>, u64) = (None, 0);
        loop {
            let page = self.page(prefix, token.as_deref()).await?;
            for object in page.objects.into_iter().filter(|object| is_wanted(&object.key)) {
                size = size.saturating_add(object.size);
                index.0.insert(object.key, object.etag);
                if size > most {
                    return Err(too_large("more bytes", most));
                }
                if index.0.len() as u64 > MOST_OBJECTS {
                    return Err(too_large("more objects", MOST_OBJECTS));
                }
            }
            // A store that gives the same token twice would never end.
            match page.next {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(index),
            }
        }
    }

    async fn page(&self, prefix: &str, token: Option<&str>) -> Result<Page, BucketError> {
        let what = format!("indexation of objects from bucket '{}' failed", self.name);
        let mut url = self.base.clone();
        // Signed is what stands there, so it is written in the one form that a signature knows.
        let mut query = format!("list-type=2&prefix={}", escaped(prefix));
        if let Some(token) = token {
            query = format!("continuation-token={}&{query}", escaped(token));
        }
        url.set_query(Some(&query));
        let answer = self.ask(url, &what).await?;
        if answer.status().as_u16() == 404 {
            return Err(BucketError::NoBucket(self.name.clone()));
        }
        let bytes = read(answer, &what, MOST_PAGE).await?;
        let page = std::str::from_utf8(&bytes).ok().and_then(Page::parse);
        page.ok_or(BucketError::Store { what, why: "the answer is no list of objects".to_owned() })
    }

    /// An object of at most `most` bytes.
    ///
    /// # Errors
    /// [`BucketError::NoObject`], or when the store refuses us or sends more.
    pub async fn get(&self, key: &str, most: u64) -> Result<Content, BucketError> {
        let what = format!("failed to get '{key}' object");
        let mut url = self.base.clone();
        let path: Vec<String> = key.split('/').map(escaped).collect();
        url.set_path(&format!("{}/{}", self.base.path(), path.join("/")));
        let answer = self.ask(url, &what).await?;
        if answer.status().as_u16() == 404 {
            return Err(BucketError::NoObject(key.to_owned()));
        }
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(etag);
        let bytes = read(answer, &what, most).await?;
        Ok(Content { etag: tag.unwrap_or_default(), bytes })
    }

    async fn ask(&self, url: Url, what: &str) -> Result<Response, BucketError> {
        let failed = |why: String| BucketError::Store { what: what.to_owned(), why };
        let mut request = self.client.request(Method::GET, url.clone());
        if let Some(keys) = &self.keys {
            let asked = ("GET", url.as_str());
            let signed = sign::headers(asked, keys, &self.region, SystemTime::now());
            for (name, value) in signed.map_err(failed)? {
                request = request.header(name, value);
            }
        }
        request.send().await.map_err(|error| failed(HttpError::from(error).to_string()))
    }
}

async fn read(answer: Response, what: &str, most: u64) -> Result<Vec<u8>, BucketError> {
    let status = answer.status();
    let failed = |why: String| BucketError::Store { what: what.to_owned(), why };
    if status.is_success() {
        return body(answer, most).await.map_err(|error| failed(error.to_string()));
    }
    let bytes = body(answer, MOST_PAGE).await.unwrap_or_default();
    let said = said(&String::from_utf8_lossy(&bytes));
    Err(match status.as_u16() {
        status @ (400..=499) => BucketError::Refused { what: what.to_owned(), status, said },
        status => failed(format!("the store answers {status}{said}")),
    })
}

/// Text of a URL, with everything escaped that a signature wants escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            byte => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Place, escaped};
    use capstan_http::Connection;

    #[test]
    fn an_endpoint_is_a_host() {
        let base = |endpoint: &str, region: &str| {
            let place = Place {
                endpoint: endpoint.to_owned(),
                region: region.to_owned(),
                bucket: "b".to_owned(),
                insecure: false,
            };
            Bucket::open(&place, &Connection::default(), None).map(|b| b.base.to_string())
        };
        assert_eq!(base("minio:9000", "").expect("a host"), "https://minio:9000/b");
        let aws = base("s3.amazonaws.com", "eu-west-1").expect("a host");
        assert_eq!(aws, "https://s3.eu-west-1.amazonaws.com/b");
        for wrong in ["", "http://host", "host/path", "user@host", "a b"] {
            assert!(base(wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn everything_is_escaped() {
        assert_eq!(escaped("a b/c+d~é"), "a%20b%2Fc%2Bd~%C3%A9");
    }
}
