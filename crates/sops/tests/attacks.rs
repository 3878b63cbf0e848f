//! Files that mean harm, or are broken: errors, never a panic, and never a plain text in a message.

mod common;

use capstan_model::{Retry, Secret};
use capstan_sops::{
    AwsCredentials, AwsKmsKey, Decryptor, Format, KeyService, NoKeyService, ServiceError, SopsError,
};
use common::{fixture, keys, text};
use proptest::prelude::*;

const FILES: [&str; 6] =
    ["types.yaml", "types.json", "types.env", "types.ini", "raw.bin", "documents.yaml"];

fn decrypt(content: &[u8], format: Format) -> Result<Vec<u8>, SopsError> {
    let keys = keys(&["one.agekey"]);
    Decryptor::new(&keys, &NoKeyService).bytes(content, format, format)
}

fn refused(content: &str, format: Format) -> String {
    decrypt(content.as_bytes(), format).expect_err("refused").to_string()
}

/// The line that holds a text, with another one in it.
fn changed(name: &str, from: &str, to: &str) -> String {
    let file = text(&format!("encrypted/{name}"));
    assert!(file.contains(from), "{name} has no {from}");
    file.replacen(from, to, 1)
}

#[test]
fn a_truncated_file_is_refused() {
    // The first of several documents holds all metadata.
    for name in FILES.into_iter().filter(|name| *name != "documents.yaml") {
        let content = fixture(&format!("encrypted/{name}"));
        let format = Format::for_path(name);
        let half = content.len() / 2;
        for end in (0..half).step_by(97) {
            assert!(decrypt(&content[..end], format).is_err(), "{name} up to {end}");
        }
        for end in (half..content.len()).step_by(97) {
            // The key comes before the last fields, so a file without those may still decrypt.
            let _ = decrypt(&content[..end], format);
        }
    }
}

#[test]
fn a_changed_value_is_refused() {
    let file = text("encrypted/encrypted-suffix.yaml");
    let line = file.lines().find(|line| line.starts_with("b_secret: ")).expect("a value");
    let value = line.strip_prefix("b_secret: ").expect("a value");
    let part = |name: &str| {
        let (_, rest) = value.split_once(&format!("{name}:")).expect(name);
        rest.split([',', ']']).next().expect(name).to_owned()
    };
    let with = |from: &str, to: &str| {
        refused(&file.replacen(value, &value.replacen(from, to, 1), 1), Format::Yaml)
    };
    for (from, to, why) in [
        (part("tag"), "AAAAAAAAAAAAAAAAAAAAAA==", "Could not decrypt with AES_GCM"),
        (part("tag"), "AAAA", "Could not decrypt with AES_GCM"),
        (part("iv"), "AAAA", "its iv has not 32 bytes"),
        (part("iv"), "?", "Error base64-decoding iv"),
        (part("data"), "AAAA", "Could not decrypt with AES_GCM"),
        (part("data"), "", "does not match sops' data format"),
        ("type:str".to_owned(), "type:int", "it is no int"),
        ("type:str".to_owned(), "type:float", "it is no float"),
        ("type:str".to_owned(), "type:bool", "it is no bool"),
        ("type:str".to_owned(), "type:time", "it is no time"),
        ("type:str".to_owned(), "type:void", "Unknown datatype"),
        ("AES256_GCM".to_owned(), "AES128_GCM", "does not match sops' data format"),
        (value.to_owned(), "hunter2", "does not match sops' data format"),
    ] {
        let error = with(&from, to);
        assert!(
            error.starts_with("error decrypting sops tree: `b_secret`: ") && error.contains(why),
            "{error}"
        );
        assert!(!error.contains("two") && !error.contains("hunter2"), "{error}");
    }
    // A value is bound to its keys.
    let moved = file.replacen("b_secret: ", "a_secret: ", 1);
    assert!(refused(&moved, Format::Yaml).contains("`a_secret`: Could not decrypt"), "moved");
}

#[test]
fn metadata_that_says_nothing_is_refused() {
    for (content, format, why) in [
        ("", Format::Yaml, "failed to load encrypted YAML data: sops metadata not found"),
        ("a: 1\n", Format::Yaml, "sops metadata not found"),
        ("{}", Format::Json, "sops metadata not found"),
        ("", Format::Json, "it is no JSON"),
        ("[1]", Format::Json, "this is a list"),
        ("\"hunter2\"", Format::Json, "this is a string"),
        ("A=b\n", Format::Dotenv, "sops metadata not found"),
        ("hunter2\n", Format::Dotenv, "line 1 has no `=`"),
        ("[a]\nb = c\n", Format::Ini, "sops metadata not found"),
        ("[a\n", Format::Ini, "line 1: unclosed section"),
        ("[]\n", Format::Ini, "line 1: empty section name"),
        ("hunter2\n", Format::Ini, "line 1: key-value delimiter not found"),
        ("a = \"\"\"hunter2\n", Format::Ini, "missing closing key quote"),
        ("sops: 5\n", Format::Yaml, "Found sops entry that is not a mapping"),
        ("sops: {}\nsops: {}\n", Format::Yaml, "mapping key \"sops\" already defined"),
        ("sops: {}\n", Format::Yaml, "No keys found in file"),
        ("- a\n", Format::Yaml, "YAML documents that are sequences are not supported"),
        ("a\n", Format::Yaml, "YAML documents that are values are not supported"),
        ("1: a\nsops: {}\n", Format::Yaml, "Only string keys are supported"),
        ("a: [\n", Format::Yaml, "it is no YAML"),
        ("{\"sops\": {}, \"sops\": {}}", Format::Json, "Found duplicate sops entry"),
        ("sops_a=1\nsops_a__map_b=1\n", Format::Dotenv, "Type mismatch"),
        (
            "sops: {age: [{enc: x}], encrypted_regex: '('}\n",
            Format::Yaml,
            "encrypted_regex `(` is no regular expression",
        ),
        (
            "sops: {age: [{enc: x}], encrypted_regex: a, encrypted_suffix: b}\n",
            Format::Yaml,
            "Cannot use more than one of",
        ),
        (
            "sops: {age: [{enc: x}], shamir_threshold: many}\n",
            Format::Yaml,
            "`shamir_threshold` is no number",
        ),
        (
            "sops: {key_groups: [{}, {}]}\n",
            Format::Yaml,
            "Group 0: FAILED: it has no keys; Group 1: FAILED: it has no keys",
        ),
        ("sops: {age: [{}]}\n", Format::Yaml, "cannot get sops data key"),
        ("sops: {age: {enc: \"\\0\"}}\n", Format::Yaml, "cannot get sops data key"),
    ] {
        let error = refused(content, format);
        assert!(error.contains(why), "{content:?}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(
        decrypt(b"a: \xff\n", Format::Yaml).expect_err("no text").to_string().contains("not UTF-8")
    );
}

#[test]
fn deep_and_circular_files_are_refused() {
    let many = 100_000;
    for (content, format) in [
        (format!("a: {}", "[".repeat(many)), Format::Yaml),
        (format!("a: {}{}\nsops: {{}}\n", "[".repeat(1000), "]".repeat(1000)), Format::Yaml),
        (format!("a:\n{}", "- ".repeat(many)), Format::Yaml),
        ("{a: ".repeat(many), Format::Yaml),
        ("{\"a\": ".repeat(many), Format::Json),
        (format!("{{\"sops\": {}}}", "[".repeat(many)), Format::Json),
        (format!("sops_{}=1\n", "__map_".repeat(many)), Format::Dotenv),
        (format!("[sops]\n{} = 1\n", "a__list_0".repeat(many)), Format::Ini),
        ("a: &x [*x]\nsops: {}\n".to_owned(), Format::Yaml),
        ("a: &x {b: {c: *x}}\nsops: {}\n".to_owned(), Format::Yaml),
        ("&x\na: *x\nsops: {}\n".to_owned(), Format::Yaml),
    ] {
        refused(&content, format);
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    }
    assert!(refused(&bomb, Format::Yaml).contains("makes the file too large"));
}

#[test]
fn large_files_take_no_more_than_their_size() {
    let ini: String = (0..50_000).map(|n| format!("key{n} = value\n")).collect();
    refused(&format!("[a]\n{ini}"), Format::Ini);
    let comments = "#x\n".repeat(50_000);
    let file = text("encrypted/unencrypted-comments.yaml");
    assert!(decrypt(format!("{comments}{file}").as_bytes(), Format::Yaml).is_ok());
    // Each value is bound to the long key.
    let key = "k".repeat(1 << 16);
    let long = format!("{{\"{key}\": \"ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\",");
    let error = refused(&changed("types.json", "{", &long), Format::Json);
    assert!(
        error.contains("the keys that lead to it are too long") && error.len() < 1000,
        "{error}"
    );
    let keys = "{enc: x},".repeat(1001);
    let error = refused(&format!("sops: {{age: [{keys}]}}\n"), Format::Yaml);
    assert!(error.contains("at most 1000 are tried"), "{error}");
}

/// Says the same for each key.
struct Always(Vec<u8>);

impl KeyService for Always {
    fn aws_kms(
        &self,
        _: &AwsKmsKey,
        _: Option<&AwsCredentials>,
        _: &[u8],
    ) -> Result<Secret<Vec<u8>>, ServiceError> {
        match self.0.is_empty() {
            true => Err(ServiceError { message: "no".to_owned(), retry: Retry::Transient }),
            false => Ok(Secret::new(self.0.clone())),
        }
    }
}

#[test]
fn data_keys_that_are_none_are_refused() {
    let keys = keys(&[]);
    let group = "{kms: [{arn: a, enc: eA==}]}";
    let with = |service: &Always, metadata: &str| {
        let content = format!("a: b\nsops: {{{metadata}}}\n");
        let plain =
            Decryptor::new(&keys, service).bytes(content.as_bytes(), Format::Yaml, Format::Yaml);
        plain.expect_err("refused").to_string()
    };
    let one = "kms: [{arn: a, enc: eA==}]";
    for (answer, metadata, why) in [
        (vec![1; 5], one.to_owned(), "the data key has 5 bytes, not 32"),
        (vec![1; 33], one.to_owned(), "the data key has 33 bytes, not 32"),
        (vec![1; 32], one.to_owned(), "`a`: Input string <redacted> does not match"),
        (
            vec![1; 33],
            format!("shamir_threshold: 2, key_groups: [{group}, {group}]"),
            "duplicate part detected",
        ),
        (
            vec![1],
            format!("shamir_threshold: 2, key_groups: [{group}, {group}]"),
            "parts must be at least two bytes",
        ),
        (
            vec![1; 33],
            format!("key_groups: [{group}, {{}}]"),
            "Group 0: SUCCESS; Group 1: FAILED: it has no keys; the file was encrypted with a Shamir threshold of 2",
        ),
        (
            vec![1; 33],
            format!("shamir_threshold: 3, key_groups: [{group}, {group}]"),
            "threshold of 3, but only 2 part(s)",
        ),
        (vec![], one.to_owned(), "failed to decrypt sops data key with AWS KMS: no"),
    ] {
        let error = with(&Always(answer), &metadata);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn broken_messages_of_age_and_pgp_are_refused() {
    let keys = keys(&["one.agekey", "rsa.asc"]);
    let with = |content: &str| {
        let plain = Decryptor::new(&keys, &NoKeyService).bytes(
            content.as_bytes(),
            Format::Yaml,
            Format::Yaml,
        );
        plain.expect_err("refused").to_string()
    };
    for content in [
        changed("encrypted-suffix.yaml", "-----BEGIN AGE", "-----BEGIN CAGE"),
        changed("encrypted-suffix.yaml", "YWdlLWVuY3J5cHRpb24", "YWdlLWVuY3J5cHRpb25"),
        changed("encrypted-suffix.yaml", "-----END AGE ENCRYPTED FILE-----", ""),
        changed("pgp-rsa.yaml", "-----BEGIN PGP MESSAGE-----", ""),
        changed("pgp-rsa.yaml", "-----END PGP MESSAGE-----", ""),
        changed(
            "pgp-rsa.yaml",
            "-----BEGIN PGP MESSAGE-----",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ),
        // Another file's key is no key of this one.
        changed("pgp-curve.yaml", "pgp:", "age:"),
    ] {
        let error = with(&content);
        assert!(error.starts_with("cannot get sops data key: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_bytes_brings_a_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let name = FILES[file];
        let mut content = fixture(&format!("encrypted/{name}"));
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let _ = decrypt(&content, Format::for_path(name));
    }

    #[test]
    fn no_text_brings_a_panic(content in "(\\[sops\\]\n|sops|a|: |=|_|__list_0|__map_a|\"|\\{|\\}|\\[|\\]|,|#|;|\n|\\\\|`|ENC\\[|\0){0,60}") {
        for format in [Format::Binary, Format::Dotenv, Format::Ini, Format::Json, Format::Yaml] {
            prop_assert!(decrypt(content.as_bytes(), format).is_err());
        }
    }
}
