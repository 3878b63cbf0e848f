//! OCIRepository.

mod login;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use capstan_api::flux::{LocalReference, OciRepositorySpec};
use capstan_model::{Advice, Chain, Fault, FluxDuration, Retry};
use capstan_oci::{Found, OciError, Registry, Repository, Wanted};
use capstan_report::{Failure, SourceFailure, Trouble};
use capstan_store::Unpack;
use serde_json::{Value, json};

use super::SourceKind;
use super::connection::{account, connection, secrets};
use super::kind::{Asked, Fetched, FetchedTree, Kind, without_ignored};
use super::reconcile::duration;
use crate::kinds;
use crate::world::Place;

/// Bytes of a layer as it comes.
const MOST_LAYER: u64 = 100 << 20;

/// A layer of an artifact in a registry.
pub(super) struct Oci;

type Asking<'a> = Asked<'a, OciRepositorySpec>;

impl Kind for Oci {
    const KIND: SourceKind = SourceKind::OciRepository;
    type Spec = OciRepositorySpec;

    fn stored(revision: &str) -> String {
        format!("stored artifact for digest '{revision}'")
    }

    fn inputs(spec: &OciRepositorySpec, namespace: &str) -> Vec<Place> {
        let verify = spec.verify.as_ref();
        let none: &Option<LocalReference> = &None;
        let references = [
            &spec.secret_ref,
            &spec.cert_secret_ref,
            &spec.proxy_secret_ref,
            verify.map_or(none, |verify| &verify.secret_ref),
        ];
        let mut places = secrets(references, namespace);
        places.extend(account(&spec.service_account_name, namespace));
        places
    }

    fn observed(spec: &OciRepositorySpec) -> Value {
        json!({"observedIgnore": spec.ignore, "observedLayerSelector": spec.layer_selector})
    }

    fn file(revision: &str) -> &str {
        revision.rsplit('@').next().unwrap_or(revision)
    }

    async fn fetch(asked: Asking<'_>) -> Result<Fetched, SourceFailure> {
        let timeout = asked.spec.timeout.as_deref().map_or(Duration::from_secs(60), duration);
        match tokio::time::timeout(timeout, fetch(&asked, timeout)).await {
            Ok(fetched) => fetched,
            Err(_elapsed) => {
                let (url, timeout) = (&asked.spec.url, FluxDuration(timeout));
                let message = format!(
                    "failed to pull artifact from '{url}': it took longer than {timeout}. Check the way to that \
                     registry, or raise spec.timeout"
                );
                let reason = "OCIArtifactPullFailed".to_owned();
                Err(Failure { reason, message, stalled: false }.into())
            }
        }
    }
}

async fn fetch(asked: &Asking<'_>, timeout: Duration) -> Result<Fetched, SourceFailure> {
    let Asked { world, object, spec, .. } = *asked;
    let repository = Repository::parse(&spec.url).map_err(|error| failure(&error))?;
    let keychain = login::keychain(world, object.namespace(), spec, &repository).await?;
    let secrets = (&spec.cert_secret_ref, &spec.proxy_secret_ref);
    let mut connection = connection(world, object.namespace(), secrets, timeout).await?;
    connection.tls.unverified = spec.insecure && spec.cert_secret_ref.is_none();
    let registry = Registry::open(repository, &connection, &keychain, spec.insecure)
        .await
        .map_err(|error| failure(&error))?;
    let selector = spec.layer_selector.clone().unwrap_or_default();
    let media_type = selector.media_type.as_deref();
    let found = registry.find(&wanted(spec), media_type).await.map_err(|error| failure(&error))?;
    let revision = found.revision();
    if asked.held.as_ref() == Some(&revision) && !verify::is_due(object, spec) {
        return Ok(Fetched::Held);
    }
    let has_artifact = kinds::status(object).get("artifact").is_some();
    let outdated = || {
        let is_new = asked.held.as_ref() != Some(&revision);
        (has_artifact && is_new).then(|| format!("new revision '{revision}' for '{}'", spec.url))
    };
    let late = |failure: Failure| SourceFailure { outdated: outdated(), ..failure.into() };
    let verification = verify::verify(asked, &registry, &found)
        .await
        .map_err(|failure| SourceFailure { trouble: Trouble::Verify, ..late(failure) })?;
    let layer = pull(asked, &registry, &found).await.map_err(late)?;
    let summary = summary(&revision, &spec.url, &layer.metadata);
    Ok(Fetched::Tree(FetchedTree {
        tree: without_ignored(layer.tree, layer.ignore.as_deref())?,
        packed: layer.packed,
        metadata: layer.metadata,
        summary,
        verification,
        facts: Value::Null,
        revision,
    }))
}

/// A layer that was pulled.
struct Pulled {
    tree: capstan_tree::Identified,
    packed: Option<Vec<u8>>,
    ignore: Option<String>,
    metadata: BTreeMap<String, String>,
}

async fn pull(asked: &Asking<'_>, registry: &Registry, found: &Found) -> Result<Pulled, Failure> {
    let selector = asked.spec.layer_selector.clone().unwrap_or_default();
    let said = |error| failure(&error);
    let manifest = registry.manifest(&found.digest).await.map_err(said)?;
    let layer = manifest.layer(selector.media_type.as_deref()).map_err(said)?;
    let bytes = registry.layer(layer, MOST_LAYER).await.map_err(said)?;
    let is_copied = selector.operation.as_deref() == Some("copy");
    let unpack = move || {
        let tree = capstan_store::unpack(&*bytes, Unpack::LAYER);
        (tree, bytes)
    };
    let broken = |why: String| {
        failure(&OciError::Layer(format!("failed to extract layer contents from artifact: {why}")))
    };
    let unpacked = tokio::task::spawn_blocking(unpack).await;
    let (tree, bytes) = unpacked.map_err(|panic| broken(format!("it panicked: {panic}")))?;
    let tree = match tree {
        Ok(tree) => tree,
        // A layer that is handed on as it is need not be an archive: units that build from it say so.
        Err(_) if is_copied => capstan_tree::MemTree::default(),
        Err(error) => return Err(broken(Chain(&error).to_string())),
    };
    Ok(Pulled {
        tree: tree.identified(),
        packed: is_copied.then_some(bytes),
        ignore: asked.spec.ignore.clone().filter(|_| !is_copied),
        metadata: manifest.annotations,
    })
}

fn wanted(spec: &OciRepositorySpec) -> Wanted {
    let reference = spec.reference.clone().unwrap_or_default();
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(digest) = given(reference.digest) {
        return Wanted::Digest(digest);
    }
    if let Some(range) = given(reference.semver) {
        return Wanted::Newest { range, filter: given(reference.semver_filter) };
    }
    Wanted::Tag(given(reference.tag).unwrap_or_else(|| "latest".to_owned()))
}

/// What the event of a new artifact says.
fn summary(revision: &str, url: &str, metadata: &BTreeMap<String, String>) -> String {
    let stored = format!("stored artifact with revision '{revision}' from '{url}'");
    let note = |key: &str| metadata.get(&format!("org.opencontainers.image.{key}"));
    match (note("source"), note("revision")) {
        (Some(source), Some(origin)) if !source.is_empty() && !origin.is_empty() => {
            format!("{stored}, origin source '{source}', origin revision '{origin}'")
        }
        _ => stored,
    }
}

fn failure(error: &OciError) -> Failure {
    let stalled = error.retry() == Retry::Never;
    Failure { reason: error.reason().to_owned(), message: Advice(error).to_string(), stalled }
}

#[cfg(test)]
mod tests {
    use super::{summary, wanted};
    use capstan_api::flux::{OciRepositoryRef, OciRepositorySpec};
    use capstan_oci::Wanted;
    use std::collections::BTreeMap;

    #[test]
    fn the_most_exact_reference_counts() {
        let all = OciRepositoryRef {
            digest: Some("sha256:1".into()),
            semver: Some("6.x".into()),
            semver_filter: Some("^6".into()),
            tag: Some("v1".into()),
        };
        let of =
            |reference| wanted(&OciRepositorySpec { reference, ..OciRepositorySpec::default() });
        assert_eq!(of(Some(all.clone())), Wanted::Digest("sha256:1".into()));
        let ranged = OciRepositoryRef { digest: Some(String::new()), ..all.clone() };
        let newest = Wanted::Newest { range: "6.x".into(), filter: Some("^6".into()) };
        assert_eq!(of(Some(ranged)), newest);
        let tagged = OciRepositoryRef { digest: None, semver: None, ..all };
        assert_eq!(of(Some(tagged)), Wanted::Tag("v1".into()));
        assert_eq!(of(None), Wanted::Tag("latest".into()));
    }

    #[test]
    fn the_origin_is_told() {
        let mut metadata = BTreeMap::new();
        let says = |metadata: &_| summary("latest@sha256:1", "oci://a/b", metadata);
        let plain = "stored artifact with revision 'latest@sha256:1' from 'oci://a/b'";
        assert_eq!(says(&metadata), plain);
        for (key, value) in [("source", "https://git"), ("revision", "main@sha1:2")] {
            metadata.insert(format!("org.opencontainers.image.{key}"), value.to_owned());
        }
        let origin = ", origin source 'https://git', origin revision 'main@sha1:2'";
        assert_eq!(says(&metadata), format!("{plain}{origin}"));
    }
}
