//! Objects after the build, and keys of Secrets.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_model::{Advice, Fault, Manifest};
use capstan_sops::{Decryptor, Keys, NoKeyService, is_decryption_disabled, is_encrypted};
use common::{fixture, keys, text};
use serde_json::{Value, json};

fn object(text: &str) -> Manifest {
    let value = capstan_yaml::read(text, "object").expect("YAML").remove(0);
    Manifest::try_from(value).expect("an object")
}

fn decrypted(object: Manifest, key_files: &[&str]) -> Result<Value, String> {
    let keys = keys(key_files);
    let plain = Decryptor::new(&keys, &NoKeyService).object(object);
    plain.map(Manifest::into_value).map_err(|error| Advice(&error).to_string())
}

#[test]
fn an_encrypted_object_loses_its_metadata() {
    for name in ["secret.yaml", "secret-whole.yaml"] {
        let encrypted = object(&text(&format!("encrypted/{name}")));
        assert!(is_encrypted(&encrypted));
        let expected = object(&text("plain/secret.yaml")).into_value();
        assert_eq!(decrypted(encrypted, &["one.agekey"]), Ok(expected), "{name}");
    }
}

#[test]
fn an_annotation_leaves_an_object_as_it_is() {
    let mut encrypted = object(&text("encrypted/secret.yaml"));
    encrypted.set_annotation("kustomize.toolkit.fluxcd.io/decrypt", "Disabled");
    assert!(is_decryption_disabled(&encrypted));
    assert_eq!(decrypted(encrypted.clone(), &[]), Ok(encrypted.into_value()));
}

#[test]
fn what_is_not_encrypted_stays_as_it_is() {
    for value in [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "sops": null}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "sops": {"mac": {}}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "no base64", "b": 5, "c": "YQ=="}}),
    ] {
        let plain = Manifest::try_from(value.clone()).expect("an object");
        assert_eq!(decrypted(plain, &[]), Ok(value));
    }
}

#[test]
fn values_of_a_secret_are_decrypted_by_their_keys() {
    let pack = |name: &str| STANDARD.encode(fixture(name));
    let files = [
        ("a.yaml", "types.yaml"),
        ("b.json", "types.json"),
        ("c.env", "types.env"),
        ("d.ini", "types.ini"),
        (".dockerconfigjson", "docker.dockerconfigjson"),
        ("raw", "raw.bin"),
    ];
    let data = |folder: &str| -> Value {
        files
            .iter()
            .map(|(key, file)| ((*key).to_owned(), json!(pack(&format!("{folder}/{file}")))))
            .collect()
    };
    let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": data});
    let encrypted = Manifest::try_from(secret(data("encrypted"))).expect("an object");
    assert_eq!(decrypted(encrypted, &["one.agekey"]), Ok(secret(data("decrypted"))));

    // A key without an ending asks for binary data.
    let wrong = Manifest::try_from(secret(json!({"config": pack("encrypted/types.yaml")})));
    let error = decrypted(wrong.expect("an object"), &["one.agekey"]).expect_err("no data");
    let told = "failed to decrypt and format 'b/a' Secret field 'config': failed to emit encrypted YAML file as decrypted \
                binary: error emitting binary store: no binary data found in tree. The ending of a file or of a Secret's \
                key says its format: name it as it was encrypted";
    assert_eq!(error, told);
}

#[test]
fn what_a_build_changed_in_an_encrypted_part_is_refused_without_its_value() {
    let mut encrypted = object(&text("encrypted/secret-whole.yaml"));
    encrypted.value_mut()["stringData"]["added"] = "hunter2".into();
    let error = decrypted(encrypted, &["one.agekey"]).expect_err("changed");
    assert!(error.contains("error decrypting sops tree: `stringData.added`: Input string <redacted> does not match sops' data format"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let mut encrypted = object(&text("encrypted/secret-whole.yaml"));
    encrypted.value_mut()["stringData"]["count"] = 5.into();
    let error = decrypted(encrypted, &["one.agekey"]).expect_err("changed");
    assert!(
        error.contains("`stringData.count`: Expected encrypted value as string, but got int"),
        "{error}"
    );
}

#[test]
fn comments_cannot_choose_after_a_build() {
    let mut encrypted = object(&text("encrypted/secret.yaml"));
    let sops = &mut encrypted.value_mut()["sops"];
    sops.as_object_mut().expect("a map").remove("encrypted_regex");
    sops["encrypted_comment_regex"] = "secret".into();
    let error = decrypted(encrypted, &["one.agekey"]).expect_err("no comments");
    assert!(error.contains("a build drops comments"), "{error}");
}

#[test]
fn a_key_that_does_not_fit_says_which_would() {
    let encrypted = || object(&text("encrypted/secret.yaml"));
    let recipient = text("keys/one.agekey")
        .lines()
        .find_map(|line| line.strip_prefix("# public key: ").map(str::to_owned))
        .expect("a recipient");
    for (keys, why) in [
        (&["two.agekey"][..], "no identity matched any of the recipients"),
        (
            &["quantum.agekey"],
            "no identity matched any of the recipients; the Secret also holds a post-quantum identity (AGE-SECRET-KEY-PQ-1…), which cannot be used",
        ),
        (&[], "failed to load age identities: the decryption Secret holds no *.agekey"),
    ] {
        let error = decrypted(encrypted(), keys).expect_err(why);
        let told = format!(
            "failed to decrypt and format 'shop/app' Secret data: cannot get sops data key: Failed to get the data key required \
             to decrypt the SOPS file: Group 0: FAILED: {recipient}: {why}; no master key was able to decrypt the file. Put a private key"
        );
        assert!(error.starts_with(&told), "{error}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    let sops = |entry: Value| {
        let mut secret = object(&text("encrypted/secret.yaml"));
        let sops = secret.value_mut()["sops"].as_object_mut().expect("a map");
        sops.remove("age");
        sops.extend(entry.as_object().expect("a map").clone());
        decrypted(secret, &["one.agekey"]).expect_err("no key")
    };
    for (entry, why) in [
        (
            json!({"hc_vault": [{"vault_address": "https://vault", "engine_path": "sops", "key_name": "k", "enc": "x"}]}),
            "https://vault/sops/k: HashiCorp Vault is not supported",
        ),
        (
            json!({"azure_kv": [{"vault_url": "https://v", "name": "n", "version": "1", "enc": "x"}]}),
            "https://v/n/1: Azure Key Vault is not supported",
        ),
        (
            json!({"gcp_kms": [{"resource_id": "projects/p", "enc": "x"}]}),
            "projects/p: Google Cloud KMS is not supported",
        ),
        (
            json!({"hckms": [{"key_id": "r:k", "enc": "x"}]}),
            "r:k: Huawei Cloud KMS is not supported",
        ),
        (
            json!({"kms": [{"arn": "arn:aws:kms:eu:1:key/k", "enc": "eA=="}]}),
            "arn:aws:kms:eu:1:key/k: failed to decrypt sops data key with AWS KMS: AWS KMS is not reachable from here",
        ),
        (
            json!({"kms": [{"arn": "arn:aws:kms:eu:1:key/k", "enc": "?"}]}),
            "error base64-decoding encrypted data key",
        ),
        (
            json!({"pgp": [{"fp": "ABCD", "enc": "x"}]}),
            "ABCD: the decryption Secret holds no *.asc with a private key",
        ),
        (
            json!({"age": [{"recipient": "age1pq1x", "enc": text("encrypted/quantum.yaml")}]}),
            "age1pq1x: failed to create reader for decrypting sops data key with age",
        ),
        (json!({}), "failed to load encrypted JSON data: No keys found in file"),
    ] {
        let error = sops(entry);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_post_quantum_file_says_that_it_is_one() {
    let keys = keys(&["quantum.agekey"]);
    let content = fixture("encrypted/quantum.yaml");
    let format = capstan_sops::Format::Yaml;
    let error =
        Decryptor::new(&keys, &NoKeyService).bytes(&content, format, format).expect_err("quantum");
    assert!(
        error.to_string().contains("post-quantum recipients (age1pq1…) are not supported"),
        "{error}"
    );
}

#[test]
fn a_pgp_key_with_a_passphrase_does_not_help() {
    let keys = keys(&["locked.asc"]);
    let content = fixture("encrypted/pgp-locked.yaml");
    let format = capstan_sops::Format::Yaml;
    let error =
        Decryptor::new(&keys, &NoKeyService).bytes(&content, format, format).expect_err("locked");
    assert!(error.to_string().contains("passphrase"), "{error}");
}

#[test]
fn a_secret_says_which_entry_is_no_key() {
    let public = fixture("keys/public.asc");
    let of = |entry: &str, value: &[u8]| {
        let keys = Keys::of_secret("shop/sops", [(entry, value)]);
        keys.map_err(|error| (error.to_string(), error.reason()))
    };
    for (entry, value, why) in [
        (
            "a.agekey",
            &b"# fine\nhunter2"[..],
            "failed to parse and add to age identities: line 2: unknown identity type",
        ),
        ("a.agekey", b"AGE-SECRET-KEY-1HUNTER2", "line 1: invalid Bech32 encoding"),
        ("a.agekey", b"ssh-ed25519 hunter2", "unknown identity type"),
        ("a.agekey", b"\xff", "it is not UTF-8 text"),
        ("a.asc", b"hunter2", "it holds no private key"),
        ("a.asc", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nhunter2\n", "it is no PGP key"),
        ("a.asc", &public, "it holds no private key"),
        ("a.asc", b"\xff\x00", "it "),
        (
            "sops.aws-kms",
            b"aws_access_key_id: [hunter2",
            "failed to unmarshal AWS credentials file: line ",
        ),
        ("sops.aws-kms", b"aws_access_key_id: 5", "`aws_access_key_id` is not a string"),
    ] {
        let (error, reason) = of(entry, value).expect_err(why);
        let told =
            format!("failed to import '{entry}' data from sops decryption Secret 'shop/sops': ");
        assert!(error.starts_with(&told) && error.contains(why), "{error}");
        assert!(!error.to_lowercase().contains("hunter2"), "{error}");
        assert_eq!(reason, "BuildFailed");
    }
    for (entry, value) in [
        ("a.txt", "x"),
        ("vault-token", "x"),
        ("sops.vault-token", "x"),
        ("agekey", "x"),
        (".agekey", ""),
    ] {
        assert!(of(entry, value.as_bytes()).is_ok(), "{entry}");
    }
}

#[test]
fn the_secret_of_the_controller_gives_age_keys_only() {
    let content = text("encrypted/secret.yaml");
    let age = fixture("keys/one.agekey");
    let entries = [("a.agekey", age.as_slice()), ("b.asc", b"no key"), ("sops.aws-kms", b"[")];
    let keys = Keys::of_age_secret("flux-system/age", entries).expect("the others do not count");
    assert!(Decryptor::new(&keys, &NoKeyService).object(object(&content)).is_ok());
    let error =
        Keys::of_age_secret("flux-system/age", [("a.agekey", &b"?"[..])]).expect_err("no key");
    let told =
        "failed to import 'a.agekey' data from sops age decryption Secret 'flux-system/age': ";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[test]
fn keys_are_not_printed() {
    let aws = b"aws_access_key_id: hunter2\naws_secret_access_key: hunter2\n";
    let age = fixture("keys/one.agekey");
    let entries = [("sops.aws-kms", &aws[..]), ("a.agekey", &age)];
    let keys = Keys::of_secret("a/b", entries).expect("keys");
    assert_eq!(format!("{keys:?}"), "Keys(***)");
}
