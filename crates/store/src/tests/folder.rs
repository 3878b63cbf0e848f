use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use capstan_tree::{EntryKind, MOST_BYTES, Tree, TreeError};

use crate::{Folder, pack};

/// A folder that holds `repo/`, the root of the tree, and a secret beside it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("repo");
    fs::create_dir_all(root.join("base")).expect("a folder");
    fs::write(root.join("base/a.yaml"), "a").expect("a file");
    fs::write(folder.path().join("secret"), "secret").expect("a file");
    (folder, root)
}

fn names(tree: &Folder, path: &str) -> Vec<String> {
    tree.list(path).expect("a directory").into_iter().map(|entry| entry.name).collect()
}

#[test]
fn links_are_followed_inside_the_directory() {
    let (_folder, root) = folder();
    symlink("base", root.join("one")).expect("a link");
    symlink("./one/", root.join("two")).expect("a link");
    symlink(root.join("base/a.yaml"), root.join("absolute.yaml")).expect("a link");
    let tree = Folder::open(&root).expect("a tree");
    assert_eq!(names(&tree, ""), ["absolute.yaml", "base", "one", "two"]);
    assert_eq!(tree.read("two/a.yaml").expect("a file"), b"a");
    assert_eq!(tree.read("absolute.yaml").expect("a file"), b"a");
    assert_eq!(tree.kind("two"), Some(EntryKind::Dir));
    assert_eq!(tree.real("two/a.yaml").as_deref(), Ok("base/a.yaml"));
    assert_eq!(tree.real("two/../nothing").as_deref(), Ok("nothing"));
}

#[test]
fn nothing_outside_is_read() {
    let (folder, root) = folder();
    let outside = folder.path().join("secret");
    for (name, target) in [
        ("relative", PathBuf::from("../secret")),
        ("absolute", outside),
        ("folder", PathBuf::from("..")),
        ("system", PathBuf::from("/")),
        ("chain", PathBuf::from("relative")),
        ("base/deep", PathBuf::from("../folder/secret")),
    ] {
        symlink(target, root.join(name)).expect("a link");
    }
    let tree = Folder::open(&root).expect("a tree");
    for path in ["relative", "absolute", "chain", "base/deep", "folder/secret", "system/etc/passwd"]
    {
        assert_eq!(tree.read(path), Err(TreeError::Escapes(path.to_owned())));
        assert_eq!(tree.real(path), Err(TreeError::Escapes(path.to_owned())));
        assert_eq!(tree.kind(path), None);
    }
    assert!(matches!(tree.read("../secret"), Err(TreeError::Escapes(_))));
    assert!(matches!(tree.list("folder"), Err(TreeError::Escapes(_))));
    assert_eq!(names(&tree, ""), ["base"]);
}

#[test]
fn links_without_an_end_are_errors() {
    let (_folder, root) = folder();
    symlink("y", root.join("x")).expect("a link");
    symlink("x", root.join("y")).expect("a link");
    symlink("nowhere", root.join("dangling")).expect("a link");
    symlink(&root, root.join("base/up")).expect("a link");
    let tree = Folder::open(&root).expect("a tree");
    let error = tree.read("x").expect_err("a circle").to_string();
    assert!(error.contains("symbolic links"), "{error}");
    assert_eq!(tree.read("dangling"), Err(TreeError::NotFound("dangling".to_owned())));
    // A link to a directory above can be walked for ever by name; it is one place.
    assert_eq!(tree.real("base/up/base/up/base/a.yaml").as_deref(), Ok("base/a.yaml"));
    let packed = pack(&tree).expect("an end");
    assert_eq!(packed.digest, pack(&super::tree(&[("base/a.yaml", "a")])).expect("packs").digest);
}

#[test]
fn odd_names_and_things_are_absent() {
    let (_folder, root) = folder();
    for hidden in [".git", "base/.git"] {
        fs::create_dir_all(root.join(hidden)).expect("a folder");
        fs::write(root.join(hidden).join("config"), "token").expect("a file");
    }
    symlink(".git", root.join("git")).expect("a link");
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff.yaml")), "").expect("a file");
    fs::write(root.join("back\\slash"), "b").expect("a file");
    let _socket = UnixListener::bind(root.join("socket")).expect("a socket");
    let tree = Folder::open(&root).expect("a tree");
    assert_eq!(names(&tree, ""), ["back\\slash", "base"]);
    assert_eq!(names(&tree, "base"), ["a.yaml"]);
    assert_eq!(tree.read("back\\slash").expect("a file"), b"b");
    for path in [".git/config", "base/.git/config", "git/config", "socket", "a\0b", "base/a.yaml/x"]
    {
        assert!(matches!(tree.read(path), Err(TreeError::NotFound(_))), "{path:?}");
        assert_eq!(tree.kind(path), None, "{path:?}");
    }
    assert_eq!(tree.read("base"), Err(TreeError::NotAFile("base".to_owned())));
    assert!(matches!(tree.list("base/a.yaml"), Err(TreeError::NotADirectory(_))));
}

#[test]
fn a_file_has_a_largest_size() {
    let (_folder, root) = folder();
    let file = fs::File::create(root.join("huge")).expect("a file");
    file.set_len(MOST_BYTES + 1).expect("a hole");
    let tree = Folder::open(&root).expect("a tree");
    assert_eq!(tree.read("huge"), Err(TreeError::TooLarge("huge".to_owned(), MOST_BYTES + 1)));
}

#[test]
fn deep_directories_are_read() {
    let (_folder, root) = folder();
    let deep = vec!["d"; 200].join("/");
    fs::create_dir_all(root.join(&deep)).expect("folders");
    fs::write(root.join(&deep).join("x"), "x").expect("a file");
    let tree = Folder::open(&root).expect("a tree");
    assert_eq!(tree.read(&format!("{deep}/x")).expect("a file"), b"x");
    assert!(tree.read(&vec!["d"; 100_000].join("/")).is_err());
}

#[test]
fn an_absent_directory_is_named() {
    let error = Folder::open("/nonexistent/path").expect_err("absent");
    assert_eq!(error.to_string(), "failed to read `/nonexistent/path`");
    let (_folder, root) = folder();
    assert!(Folder::open(root.join("base/a.yaml")).is_err());
}
