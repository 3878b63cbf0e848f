//! Bucket.

mod etags;
mod keys;

use std::collections::BTreeMap;
use std::time::Duration;

use capstan_api::flux::BucketSpec;
use capstan_bucket::{Bucket, BucketError, Content, Index, Place as BucketPlace};
use capstan_model::{Advice, Fault, FluxDuration, Retry};
use capstan_report::{Failure, SourceFailure, Verification};
use capstan_tree::{Ignore, MemTree, Tree, ignore};
use futures::future::try_join_all;
use serde_json::{Value, json};

pub(crate) use etags::Etags;

use super::connection::{account, connection, secrets};
use super::kind::{Asked, Fetched, FetchedTree, Kind};
use super::reconcile::duration;
use super::secret::authentication;
use super::{SourceKey, SourceKind};
use crate::world::Place;

/// Bytes of all objects together: what an artifact may unpack to.
const MOST_BYTES: u64 = 100 << 20;
/// Objects that are fetched at once.
const AT_ONCE: usize = 8;

/// The objects of a bucket.
pub(super) struct S3;

type Asking<'a> = Asked<'a, BucketSpec>;

impl Kind for S3 {
    const KIND: SourceKind = SourceKind::Bucket;
    type Spec = BucketSpec;

    fn stored(revision: &str) -> String {
        format!("stored artifact: revision '{revision}'")
    }

    fn inputs(spec: &BucketSpec, namespace: &str) -> Vec<Place> {
        let references = [&spec.secret_ref, &spec.cert_secret_ref, &spec.proxy_secret_ref];
        let mut places = secrets(references, namespace);
        places.extend(account(&spec.service_account_name, namespace));
        places
    }

    fn observed(spec: &BucketSpec) -> Value {
        json!({"observedIgnore": spec.ignore})
    }

    async fn fetch(asked: Asking<'_>) -> Result<Fetched, SourceFailure> {
        let timeout = asked.spec.timeout.as_deref().map_or(Duration::from_secs(60), duration);
        match tokio::time::timeout(timeout, fetch(&asked, timeout)).await {
            Ok(fetched) => Ok(fetched?),
            Err(_elapsed) => {
                let (bucket, timeout) = (&asked.spec.bucket_name, FluxDuration(timeout));
                let message = format!(
                    "fetch from bucket '{bucket}' failed: it took longer than {timeout}. Check the way to that store, \
                     or raise spec.timeout"
                );
                let reason = "BucketOperationFailed".to_owned();
                Err(Failure { reason, message, stalled: false }.into())
            }
        }
    }
}

async fn fetch(asked: &Asking<'_>, timeout: Duration) -> Result<Fetched, Failure> {
    let Asked { world, object, spec, .. } = *asked;
    let bucket = open(asked, timeout).await?;
    let file = match bucket.get(ignore::FILE, MOST_BYTES).await {
        Ok(file) => Some(file),
        // A bucket that is not there is said to be so by its list.
        Err(BucketError::NoObject(_)) => None,
        Err(error) => return Err(failure(&error)),
    };
    let ignored = ignored(file.as_ref(), spec.ignore.as_deref());
    let is_wanted = |key: &str| is_file(key) && !ignored.matches(key, false);
    let prefix = spec.prefix.as_deref().unwrap_or_default();
    let listed = bucket.list(prefix, MOST_BYTES, is_wanted).await;
    let listed = listed.map_err(|error| failure(&error))?;
    if asked.held == Some(listed.revision()) {
        return Ok(Fetched::Held);
    }
    let key = SourceKey::new(SourceKind::Bucket, object.namespace(), object.name());
    let last = world.sources.get(&key).map(|source| source.tree).zip(world.etags.get(&key));
    let last = last.as_ref().map(|(tree, index)| (&**tree, index));
    let (index, mut tree) = get_all(&bucket, &listed, last).await.map_err(|e| failure(&e))?;
    if let Some(file) = file {
        insert(&mut tree, ignore::FILE, file.bytes);
    }
    let count = index.0.len();
    let revision = index.revision();
    world.etags.put(&key, index);
    Ok(Fetched::Tree(FetchedTree {
        tree: std::sync::Arc::new(tree.identified()),
        packed: None,
        metadata: BTreeMap::new(),
        summary: format!(
            "stored artifact with {count} fetched files from '{}' bucket",
            spec.bucket_name
        ),
        verification: Verification::Unwanted,
        facts: Value::Null,
        revision,
    }))
}

async fn open(asked: &Asking<'_>, timeout: Duration) -> Result<Bucket, Failure> {
    let Asked { world, object, spec, .. } = *asked;
    let namespace = object.namespace();
    let keys = keys::keys(world, namespace, spec).await?;
    let references = (&spec.cert_secret_ref, &spec.proxy_secret_ref);
    let connection = connection(world, namespace, references, timeout).await?;
    connection.client().map_err(|error| authentication(error.to_string()))?;
    let place = BucketPlace {
        endpoint: spec.endpoint.clone(),
        insecure: spec.insecure,
        region: spec.region.clone().unwrap_or_default(),
        bucket: spec.bucket_name.clone(),
    };
    Bucket::open(&place, &connection, keys).map_err(|error| failure(&error))
}

/// Gets what was listed; what has the same ETag as before is taken from the tree before it.
async fn get_all(
    bucket: &Bucket,
    listed: &Index,
    last: Option<(&dyn Tree, &Index)>,
) -> Result<(Index, MemTree), BucketError> {
    let (mut index, mut tree) = (Index::default(), MemTree::default());
    let listed: Vec<(&String, &String)> = listed.0.iter().collect();
    for some in listed.chunks(AT_ONCE) {
        let contents = some.iter().map(|(key, etag)| get_one(bucket, last, key, etag));
        let contents = try_join_all(contents).await?;
        for ((key, _), content) in some.iter().zip(contents) {
            let Some(content) = content else { continue };
            insert(&mut tree, key, content.bytes);
            index.0.insert((*key).clone(), content.etag);
        }
    }
    Ok((index, tree))
}

/// An object; nothing when it went between the list and now.
async fn get_one(
    bucket: &Bucket,
    last: Option<(&dyn Tree, &Index)>,
    key: &str,
    etag: &str,
) -> Result<Option<Content>, BucketError> {
    let held = || {
        let (tree, index) = last?;
        let is_same = index.0.get(key).is_some_and(|before| before == etag && !etag.is_empty());
        is_same.then(|| tree.read(key).ok()).flatten()
    };
    if let Some(bytes) = held() {
        return Ok(Some(Content { etag: etag.to_owned(), bytes }));
    }
    match bucket.get(key, MOST_BYTES).await {
        Ok(content) => Ok(Some(content)),
        Err(BucketError::NoObject(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A key that names no file was not listed.
fn insert(tree: &mut MemTree, key: &str, bytes: Vec<u8>) {
    if let Err(error) = tree.insert(key, bytes) {
        tracing::debug!(key, %error, "an object is left out");
    }
}

/// What is left out: what the bucket's own `.sourceignore` says, then the spec; nothing by default.
fn ignored(file: Option<&Content>, spec_ignore: Option<&str>) -> Ignore {
    let file = file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
    let lines = file.as_deref().unwrap_or_default().lines();
    Ignore::new(lines.chain(spec_ignore.unwrap_or_default().lines()))
}

/// Does a key name a file in one spelling? Keys that end in a slash stand for directories, and keys with a part `..` would
/// name something else.
fn is_file(key: &str) -> bool {
    key != ignore::FILE && key.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn failure(error: &BucketError) -> Failure {
    let stalled = error.retry() == Retry::Never;
    Failure { reason: error.reason().to_owned(), message: Advice(error).to_string(), stalled }
}

#[cfg(test)]
mod tests {
    use super::{ignored, is_file};
    use capstan_bucket::Content;

    #[test]
    fn keys_that_name_no_file_are_left_out() {
        for key in ["a.yaml", "a/b.yaml", "a/..b", "a/.sourceignore"] {
            assert!(is_file(key), "{key}");
        }
        for key in ["", "a/", "/a", "a//b", "../a", "a/../b", "./a", ".sourceignore"] {
            assert!(!is_file(key), "{key}");
        }
    }

    #[test]
    fn the_spec_comes_after_the_file() {
        let file = Content { etag: String::new(), bytes: b"*.txt\n".to_vec() };
        let both = ignored(Some(&file), Some("!keep.txt"));
        assert!(both.matches("a.txt", false) && !both.matches("keep.txt", false));
        assert!(!ignored(None, None).matches("a.jpg", false), "nothing is left out by default");
    }
}
