//! Signatures that git itself made, with ssh-keygen and gpg.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::{TrustedKeys, Verify, VerifyError, verify};
use crate::objects::{Commit, Tag};
use crate::{Fetched, GitTree};

const BOTH: Verify = Verify { head: true, tag: true };
const HEAD: Verify = Verify { head: true, tag: false };
const TAG: Verify = Verify { head: false, tag: true };

/// A repository, and a home for gpg.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(world.home()).expect("a folder");
        std::fs::set_permissions(world.home(), PermissionsExt::from_mode(0o700)).expect("private");
        let wrapper =
            format!("#!/bin/sh\nGNUPGHOME='{}' exec gpg \"$@\"\n", world.home().display());
        std::fs::write(world.wrapper(), wrapper).expect("written");
        std::fs::set_permissions(world.wrapper(), PermissionsExt::from_mode(0o755))
            .expect("a program");
        world.git(&["init", "--quiet"]);
        std::fs::write(world.path().join("a"), "one").expect("written");
        world.git(&["add", "a"]);
        world.git(&["commit", "--quiet", "--message", "the first"]);
        world
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn home(&self) -> PathBuf {
        self.path().join("gnupg")
    }

    fn wrapper(&self) -> PathBuf {
        self.path().join("gpg.sh")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.path())
            .env("GNUPGHOME", self.home())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap_or_else(|error| panic!("{program} does not run: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
        self.run("git", &[&identity, arguments].concat())
    }

    /// A key for ssh: its file and its public part.
    fn ssh_key(&self, name: &str, kind: &str) -> (String, String) {
        let file = self.path().join(name).display().to_string();
        self.run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", name, "-f", &file]);
        let public = std::fs::read_to_string(format!("{file}.pub")).expect("a key");
        (file, public)
    }

    fn pgp_key(&self, name: &str, kind: &str, expires: &str) -> String {
        let user = format!("{name} <{name}@example.com>");
        let made = ["--batch", "--passphrase", "", "--quick-gen-key", &user, kind, "sign", expires];
        self.run("gpg", &made);
        self.run("gpg", &["--batch", "--armor", "--export", &user])
    }

    /// A commit and a tag of it, both signed.
    fn signed(&self, tag: &str, format: &str, key: &str) -> Fetched {
        let (format, key) = (format!("gpg.format={format}"), format!("user.signingkey={key}"));
        let program = format!("gpg.program={}", self.wrapper().display());
        let config = ["-c", &*format, "-c", &*key, "-c", &*program];
        let message = format!("signed for {tag}");
        self.git(
            &[&config[..], &["commit", "--quiet", "--allow-empty", "-S", "-m", &message]].concat(),
        );
        self.git(&[&config[..], &["tag", "-s", "-m", &message, tag]].concat());
        self.fetched(Some(tag))
    }

    fn fetched(&self, tag: Option<&str>) -> Fetched {
        let repository =
            gix::open_opts(self.path(), gix::open::Options::isolated()).expect("a repository");
        let id = |name: &str| {
            gix::ObjectId::from_hex(self.git(&["rev-parse", name]).as_bytes()).expect("an id")
        };
        let commit = repository.find_object(id("HEAD")).expect("a commit");
        let commit = Commit { id: commit.id.to_string(), content: commit.data.clone() };
        let tag = tag.map(|tag| {
            Tag::read(&repository, tag, id(&format!("refs/tags/{tag}"))).expect("a tag")
        });
        let revision = crate::Wanted::Head.revision(commit.id.clone());
        let tree = GitTree::new(repository.clone().into_sync(), id("HEAD^{tree}"));
        Fetched { revision, tree, commit, tag }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let home = self.home().display().to_string();
        let _ = Command::new("gpgconf").args(["--homedir", &home, "--kill", "all"]).status();
    }
}

fn judge(
    fetched: &Fetched,
    wanted: Verify,
    trusted: &[(&str, &str)],
) -> Result<String, VerifyError> {
    let keys: TrustedKeys =
        trusted.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect();
    verify(fetched, wanted, &keys, SystemTime::now())
}

#[test]
fn ssh_signatures_are_verified() {
    let world = World::new();
    let (_, stranger) = world.ssh_key("stranger", "ed25519");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let (file, public) = world.ssh_key(kind, kind);
        let fetched = world.signed(kind, "ssh", &file);
        let trusted = format!("# authors\n\n{stranger}{public}");
        let said = judge(&fetched, BOTH, &[("authors.sshpub", &trusted)]).expect("verified");
        let listed = world.run("ssh-keygen", &["-l", "-f", &format!("{file}.pub")]);
        let print = listed.split(' ').nth(1).expect("a fingerprint");
        assert!(said.starts_with(&format!("verified signature of\n\t- tag '{kind}@")), "{said}");
        let commit = format!("\n\t- commit '{}' with key '{print}'", fetched.commit.id);
        assert!(said.ends_with(&commit), "{said}");
        let refused = judge(&fetched, HEAD, &[("a.sshpub", &stranger)]).expect_err("a stranger");
        assert_eq!(refused.reason(), "InvalidCommitSignature");
        assert!(refused.to_string().contains("no matching key"), "{refused}");
        // An SSH key counts only under its own kind of name.
        judge(&fetched, HEAD, &[("author.asc", &public)]).expect_err("no SSH key");
        let broken = judge(&fetched, TAG, &[("a.sshpub", "nonsense")]).expect_err("no key");
        assert_eq!(broken.reason(), "InvalidTagSignature");
        assert!(broken.to_string().contains("unable to parse authorized keys"), "{broken}");
        let mut changed = fetched.clone();
        changed.commit.content.extend_from_slice(b"more");
        judge(&changed, HEAD, &[("authors.sshpub", &trusted)]).expect_err("it was changed");
    }
}

#[test]
fn openpgp_signatures_are_verified() {
    let world = World::new();
    let stranger = world.pgp_key("stranger", "ed25519", "never");
    for kind in ["ed25519", "rsa2048", "nistp256"] {
        let public = world.pgp_key(kind, kind, "never");
        let user = format!("{kind}@example.com");
        let fetched = world.signed(kind, "openpgp", &user);
        let said =
            judge(&fetched, BOTH, &[("a.asc", &stranger), ("b.asc", &public)]).expect("verified");
        let listed = world.run("gpg", &["--list-keys", "--with-colons", &user]);
        let line = listed.lines().find_map(|line| line.strip_prefix("pub:")).expect("a key");
        let id = line.split(':').nth(3).expect("an id");
        assert!(said.contains(&format!("with key '{id}'")), "{id}: {said}");
        let refused = judge(&fetched, BOTH, &[("a.asc", &stranger)]).expect_err("a stranger");
        assert_eq!(refused.reason(), "InvalidTagSignature");
        assert!(refused.to_string().contains("no matching key"), "{refused}");
        let broken = judge(&fetched, HEAD, &[("a.asc", "nonsense")]).expect_err("no key");
        assert!(broken.to_string().contains("unable to read armored key ring"), "{broken}");
        let mut changed = fetched.clone();
        changed.commit.content.extend_from_slice(b"more");
        judge(&changed, HEAD, &[("b.asc", &public)]).expect_err("it was changed");
    }
}

#[test]
fn a_key_that_has_expired_proves_nothing() {
    let world = World::new();
    let public = world.pgp_key("brief", "ed25519", "1d");
    let fetched = world.signed("brief", "openpgp", "brief@example.com");
    judge(&fetched, BOTH, &[("a.asc", &public)]).expect("still good");
    let keys: TrustedKeys = [("a.asc".to_owned(), public)].into();
    let later = SystemTime::now() + Duration::from_secs(3 * 24 * 3600);
    verify(&fetched, HEAD, &keys, later).expect_err("it has expired");
}

#[test]
fn what_is_not_signed_is_said() {
    let world = World::new();
    world.git(&["tag", "light"]);
    world.git(&["tag", "-a", "-m", "noted", "noted"]);
    let branch = world.fetched(None);
    assert_eq!(judge(&branch, TAG, &[]), Err(VerifyError::NoTag));
    let unsigned = judge(&branch, HEAD, &[]).expect_err("unsigned").to_string();
    assert!(unsigned.contains("unable to verify payload: signature is empty"), "{unsigned}");
    for tag in ["light", "noted"] {
        let said = judge(&world.fetched(Some(tag)), TAG, &[]).expect_err("unsigned");
        assert_eq!(said.reason(), "InvalidGitObject");
        assert!(said.to_string().contains(&format!("tag '{tag}")), "{said}");
    }
}
