use std::fs;
use std::io::Read;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use capstan_tree::MemTree;
use flate2::read::GzDecoder;
use tower::ServiceExt;

mod folder;
mod unpack;

use crate::{Packed, Store, StoreError, pack, router};

fn tree(files: &[(&str, &str)]) -> MemTree {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

#[test]
fn equal_trees_pack_to_equal_bytes() {
    let one = pack(&tree(&[("b.yaml", "b"), ("a/c.yaml", "c")])).expect("packs");
    let two = pack(&tree(&[("a/c.yaml", "c"), ("b.yaml", "b")])).expect("packs");
    assert_eq!(one.bytes, two.bytes);
    assert_eq!(one.digest, two.digest);
    assert!(one.digest.starts_with("sha256:") && one.digest.len() == 71, "{}", one.digest);
    let other = pack(&tree(&[("b.yaml", "x"), ("a/c.yaml", "c")])).expect("packs");
    assert_ne!(one.digest, other.digest);
}

#[test]
fn a_packed_tree_unpacks_with_plain_modes_and_no_times() {
    let long = format!("{}/deep.yaml", "d".repeat(150));
    let packed = pack(&tree(&[("a/c.yaml", "content"), (&long, "long")])).expect("packs");
    let mut archive = tar::Archive::new(GzDecoder::new(packed.bytes.as_slice()));
    let mut seen = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let (mode, mtime) = (entry.header().mode(), entry.header().mtime());
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        assert_eq!(mtime.expect("a time"), 0);
        seen.push((path, mode.expect("a mode"), text));
    }
    let entry = |path: &str, mode, text: &str| (path.to_owned(), mode, text.to_owned());
    assert_eq!(
        seen,
        [
            entry("a/", 0o755, ""),
            entry("a/c.yaml", 0o644, "content"),
            entry(&format!("{}/", "d".repeat(150)), 0o755, ""),
            entry(&long, 0o644, "long"),
        ]
    );
}

fn packed(text: &str) -> Packed {
    pack(&tree(&[("a.yaml", text)])).expect("packs")
}

/// Publishes under a commit and gives the file a time of its own.
fn publish_at(store: &Store, commit: &str, seconds: u64) {
    let published = store
        .publish("GitRepository", "flux-system", "fleet", commit, &packed(commit))
        .expect("published");
    let file = fs::File::open(store.root().join(&published.path)).expect("the artifact");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    file.set_modified(time).expect("a file's time can be set");
}

#[test]
fn the_newest_two_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("data")).expect("a store");
    for (second, commit) in ["one", "two", "three"].into_iter().enumerate() {
        publish_at(&store, commit, second as u64);
    }
    let listed = fs::read_dir(store.root().join("gitrepository/flux-system/fleet"));
    let mut names: Vec<_> = listed
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["three.tar.gz", "two.tar.gz"]);
}

#[test]
fn publishing_again_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    let publish =
        || store.publish("GitRepository", "n", "x", "c", &packed("a")).expect("published");
    let (first, second) = (publish(), publish());
    assert_eq!(first, second);
    assert!(store.holds(&first));
    store.remove("GitRepository", "n", "x").expect("removed");
    store.remove("GitRepository", "n", "x").expect("removed before");
    assert!(!store.holds(&first));
}

#[test]
fn a_name_cannot_leave_the_folder() {
    for part in ["..", "", "a/b", ".hidden", "a\\b", "a\0"] {
        let path = Store::path("gitrepository", "n", part, "c");
        assert!(matches!(path, Err(StoreError::Name(_))), "{part}");
    }
}

async fn ask(store: &Store, method: &str, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Body::empty());
    router(store).oneshot(request.expect("a request")).await.expect("infallible")
}

async fn bytes(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body").to_vec()
}

#[tokio::test]
async fn artifacts_are_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    let packed = packed("served");
    let published = store.publish("GitRepository", "n", "x", "c0ffee", &packed).expect("published");
    let path = format!("/{}", published.path);
    assert_eq!(path, "/gitrepository/n/x/c0ffee.tar.gz");

    let response = ask(&store, "GET", &path).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-length"], packed.bytes.len().to_string().as_str());
    assert_eq!(bytes(response).await, packed.bytes);

    let response = ask(&store, "HEAD", &path).await;
    assert_eq!(response.headers()["content-length"], packed.bytes.len().to_string().as_str());
    assert_eq!(bytes(response).await, b"");
}

#[tokio::test]
async fn nothing_else_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("secret.tar.gz"), "secret").expect("a file");
    let store = Store::open(folder.path().join("data")).expect("a store");
    store.publish("GitRepository", "n", "x", "c", &packed("a")).expect("published");
    for (path, status) in [
        ("/gitrepository/n/x/d.tar.gz", StatusCode::NOT_FOUND),
        ("/gitrepository/n/x/.c.partial", StatusCode::NOT_FOUND),
        ("/gitrepository/n/x", StatusCode::NOT_FOUND),
        ("/gitrepository/%2e%2e/%2e%2e/secret.tar.gz", StatusCode::NOT_FOUND),
        ("/gitrepository/n/..%2f..%2f../secret.tar.gz", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(&store, "GET", path).await.status(), status, "{path}");
    }
    let response = ask(&store, "PUT", "/gitrepository/n/x/c.tar.gz").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}
