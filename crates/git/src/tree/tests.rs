use std::path::Path;
use std::process::Command;

use capstan_tree::{EntryKind, MOST_BYTES, Tree, TreeError};
use gix::objs::{Kind, Write as _};

use super::GitTree;

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(["-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

struct Fixture {
    directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        git(directory.path(), &["init", "--quiet"]);
        Self { directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::os::unix::fs::symlink(target, path).expect("a link");
    }

    fn repository(&self) -> gix::Repository {
        gix::open_opts(self.path(), gix::open::Options::isolated()).expect("a repository")
    }

    /// The tree of everything that was written.
    fn committed(&self) -> GitTree {
        git(self.path(), &["add", "--all"]);
        git(self.path(), &["commit", "--quiet", "--message", "x"]);
        let id = git(self.path(), &["rev-parse", "HEAD^{tree}"]);
        self.tree(gix::ObjectId::from_hex(id.as_bytes()).expect("an id"))
    }

    fn tree(&self, id: gix::ObjectId) -> GitTree {
        GitTree::new(self.repository().into_sync(), id)
    }

    /// A tree that Git refuses to write.
    fn hostile(&self, entries: &[(&str, &[u8], gix::ObjectId)]) -> gix::ObjectId {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend(mode.as_bytes());
            content.push(b' ');
            content.extend(*name);
            content.push(0);
            content.extend(id.as_bytes());
        }
        self.repository().objects.write_buf(Kind::Tree, &content).expect("written")
    }

    fn blob(&self, content: &[u8]) -> gix::ObjectId {
        self.repository().write_blob(content).expect("written").detach()
    }
}

fn names(tree: &GitTree, path: &str) -> Vec<String> {
    tree.list(path).expect("a directory").into_iter().map(|entry| entry.name).collect()
}

fn linked() -> Fixture {
    let fixture = Fixture::new();
    fixture.file("base/a.yaml", "a");
    fixture.link("apps/base", "../base");
    fixture.link("apps/file.yaml", "base/a.yaml");
    fixture.link("apps/out", "../../../../../../etc/passwd");
    fixture.link("apps/absolute", "/etc/passwd");
    fixture.link("apps/root", "..");
    fixture.link("x", "y");
    fixture.link("y", "x");
    fixture.link("dangling", "nowhere");
    fixture
}

#[test]
fn links_are_absent_as_in_an_artifact() {
    let fixture = linked();
    let tree = fixture.committed();
    assert_eq!(names(&tree, ""), ["apps", "base"]);
    assert_eq!(names(&tree, "apps"), Vec::<String>::new());
    assert_eq!(tree.kind("apps/base"), None);
    for path in ["apps/base/a.yaml", "apps/file.yaml", "apps/out", "x"] {
        assert!(tree.read(path).is_err(), "{path}");
    }
}

#[test]
fn links_are_followed_inside_the_commit_where_that_is_wanted() {
    let fixture = linked();
    let tree = fixture.committed().following_links();
    assert_eq!(names(&tree, ""), ["apps", "base"]);
    assert_eq!(names(&tree, "apps"), ["base", "file.yaml", "root"]);
    assert_eq!(tree.read("apps/file.yaml").expect("a file"), b"a");
    assert_eq!(tree.read("apps/root/apps/base/a.yaml").expect("a file"), b"a");
    assert_eq!(tree.real("apps/base/a.yaml").as_deref(), Ok("base/a.yaml"));
    for path in ["apps/out", "apps/absolute", "apps/absolute/x"] {
        assert_eq!(tree.read(path), Err(TreeError::Escapes(path.to_owned())));
        assert_eq!(tree.kind(path), None);
    }
    assert_eq!(tree.read("x"), Err(TreeError::Loop("x".to_owned())));
    assert!(matches!(tree.read("dangling"), Err(TreeError::NotFound(_))));
}

#[test]
fn submodules_are_absent() {
    let fixture = Fixture::new();
    fixture.file("a", "a");
    git(fixture.path(), &["add", "a"]);
    let commit = "0123456789012345678901234567890123456789";
    let entry = format!("160000,{commit},module");
    git(fixture.path(), &["update-index", "--add", "--cacheinfo", &entry]);
    git(fixture.path(), &["commit", "--quiet", "--message", "x"]);
    let id = git(fixture.path(), &["rev-parse", "HEAD^{tree}"]);
    let tree = fixture.tree(gix::ObjectId::from_hex(id.as_bytes()).expect("an id"));
    assert_eq!(names(&tree, ""), ["a"]);
    assert_eq!(tree.kind("module"), None);
}

#[test]
fn names_that_no_checkout_has_are_refused() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    let inner = fixture.hostile(&[("100644", b"passwd", blob)]);
    for name in [&b".."[..], b".", b".git", b".GIT", b"a/b", b"../../etc", b""] {
        let id = fixture.hostile(&[("100644", b"good", blob), ("40000", name, inner)]);
        let tree = fixture.tree(id);
        let said = tree.list("").expect_err("hostile").to_string();
        assert!(said.contains("Git never writes") || said.contains("``"), "{name:?}: {said}");
        for path in [".git/passwd", ".GIT/passwd", "../passwd", "a/b/passwd"] {
            assert!(tree.read(path).is_err(), "{path}");
        }
    }
}

#[test]
fn odd_names_are_read_or_absent() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    let id = fixture.hostile(&[
        ("100644", b"back\\slash", blob),
        ("100644", b"new\nline", blob),
        ("100644", b"same", blob),
        ("40000", b"same", fixture.hostile(&[])),
        ("100644", b"\xff\xfe", blob),
    ]);
    let tree = fixture.tree(id);
    assert_eq!(names(&tree, ""), ["back\\slash", "new\nline", "same", "same"]);
    assert_eq!(tree.read("back\\slash").expect("a file"), b"x");
    assert_eq!(tree.kind("same"), Some(EntryKind::File));
    assert!(tree.read("\u{fffd}\u{fffd}").is_err());
    assert!(tree.read("a\0b").is_err());
    assert!(tree.read("same/x").is_err());
}

#[test]
fn sizes_are_bounded() {
    let fixture = Fixture::new();
    let file = std::fs::File::create(fixture.path().join("huge")).expect("a file");
    file.set_len(MOST_BYTES + 1).expect("a hole");
    git(fixture.path(), &["config", "core.looseCompression", "1"]);
    let tree = fixture.committed();
    assert_eq!(tree.read("huge"), Err(TreeError::TooLarge("huge".to_owned(), MOST_BYTES + 1)));

    let blob = fixture.blob(b"x");
    let many: Vec<String> = (0..100_001).map(|n| format!("{n:06}")).collect();
    let many: Vec<_> = many.iter().map(|name| ("100644", name.as_bytes(), blob)).collect();
    let tree = fixture.tree(fixture.hostile(&many));
    let said = tree.list("").expect_err("too many").to_string();
    assert!(said.contains("100000 names"), "{said}");
    assert_eq!(tree.read("099999").expect("a file"), b"x");

    let mut inner = fixture.hostile(&[("100644", b"x", blob)]);
    for _ in 0..1_000 {
        inner = fixture.hostile(&[("40000", b"d", inner)]);
    }
    let deep = vec!["d"; 1_000].join("/");
    assert_eq!(fixture.tree(inner).read(&format!("{deep}/x")).expect("a file"), b"x");
}
