//! Files that the real sops encrypted come out as it decrypts them, byte for byte.

mod common;

use capstan_model::{Retry, Secret};
use capstan_sops::{
    AwsCredentials, AwsKmsKey, Decryptor, Format, KeyService, NoKeyService, ServiceError,
};
use common::{fixture, keys, path};

/// The service of fixtures/kms.py: it turns bytes around.
struct Turning;

impl KeyService for Turning {
    fn aws_kms(
        &self,
        key: &AwsKmsKey,
        credentials: Option<&AwsCredentials>,
        ciphertext: &[u8],
    ) -> Result<Secret<Vec<u8>>, ServiceError> {
        assert_eq!(key.region(), Some("eu-central-1"));
        assert_eq!(key.context.get("team").map(String::as_str), Some("shop"));
        assert_eq!(credentials, None);
        Ok(Secret::new(ciphertext.iter().rev().copied().collect()))
    }
}

fn decrypted(name: &str, key_files: &[&str]) -> String {
    let keys = keys(key_files);
    let format = Format::for_path(name);
    let content = fixture(&format!("encrypted/{name}"));
    assert!(format.marks(&content), "{name} is not marked");
    let plain = Decryptor::new(&keys, &Turning).bytes(&content, format, format);
    String::from_utf8_lossy(&plain.unwrap_or_else(|error| panic!("{name}: {error}"))).into_owned()
}

fn check(name: &str, key_files: &[&str]) {
    let expected = fixture(&format!("decrypted/{name}"));
    assert_eq!(decrypted(name, key_files), String::from_utf8_lossy(&expected), "{name}");
}

#[test]
fn every_file_comes_out_as_with_sops() {
    let all = ["one.agekey", "two.agekey", "three.agekey", "rsa.asc", "curve.asc"];
    let mut count = 0;
    for file in std::fs::read_dir(path("decrypted")).expect("a directory") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        if name != "quantum.yaml" {
            check(&name, &all);
            count += 1;
        }
    }
    assert_eq!(count, 24);
}

#[test]
fn a_binary_file_keeps_its_bytes() {
    let keys = keys(&["one.agekey"]);
    let content = fixture("encrypted/raw.bin");
    let plain =
        Decryptor::new(&keys, &NoKeyService).bytes(&content, Format::Binary, Format::Binary);
    assert_eq!(plain, Ok(fixture("plain/raw.bin")));
}

#[test]
fn one_key_of_a_file_is_enough() {
    for key in ["one.agekey", "two.agekey", "rsa.asc"] {
        check("many.yaml", &[key]);
    }
    check("pgp-rsa.yaml", &["rsa.asc"]);
    check("pgp-curve.yaml", &["rsa.asc", "curve.asc"]);
}

#[test]
fn two_of_three_groups_are_enough() {
    for pair in
        [["one.agekey", "curve.asc"], ["two.agekey", "three.agekey"], ["curve.asc", "three.agekey"]]
    {
        for ending in ["yaml", "json", "env", "ini"] {
            check(&format!("groups.{ending}"), &pair);
        }
    }
    let keys = keys(&["one.agekey", "two.agekey"]);
    let content = fixture("encrypted/groups.yaml");
    let error = Decryptor::new(&keys, &NoKeyService)
        .bytes(&content, Format::Yaml, Format::Yaml)
        .expect_err("one group")
        .to_string();
    assert!(error.contains("Group 0: SUCCESS; Group 1: FAILED"), "{error}");
    assert!(error.contains("Shamir threshold of 2, but only 1 part(s) were recovered"), "{error}");
}

#[test]
fn a_format_is_written_as_another() {
    let keys = keys(&["one.agekey"]);
    let decryptor = Decryptor::new(&keys, &NoKeyService);
    let content = fixture("encrypted/types.env");
    let json = decryptor.bytes(&content, Format::Dotenv, Format::Json).expect("flat");
    assert!(
        json.starts_with(b"{\n\t\"PLAIN\": \"value\",\n"),
        "{}",
        String::from_utf8_lossy(&json)
    );
    let content = fixture("encrypted/types.json");
    for (output, why) in [
        (
            Format::Dotenv,
            "failed to emit encrypted JSON file as decrypted dotenv: cannot use complex value in dotenv file; offending key a",
        ),
        (
            Format::Binary,
            "failed to emit encrypted JSON file as decrypted binary: error emitting binary store: no binary data found in tree",
        ),
    ] {
        let error = decryptor.bytes(&content, Format::Json, output).expect_err(why);
        assert_eq!(error.to_string(), why);
    }
}

#[test]
fn a_service_that_fails_says_so() {
    struct Away;
    impl KeyService for Away {
        fn aws_kms(
            &self,
            _: &AwsKmsKey,
            _: Option<&AwsCredentials>,
            _: &[u8],
        ) -> Result<Secret<Vec<u8>>, ServiceError> {
            Err(ServiceError { message: "throttled".to_owned(), retry: Retry::Transient })
        }
    }
    let content = fixture("encrypted/kms.yaml");
    let error = Decryptor::new(&keys(&["one.agekey"]), &Away)
        .bytes(&content, Format::Yaml, Format::Yaml)
        .expect_err("away");
    assert_eq!(capstan_model::Fault::retry(&error), Retry::Transient);
    let told = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d: failed to decrypt sops data key with AWS KMS: throttled";
    assert!(error.to_string().contains(told), "{error}");
}
