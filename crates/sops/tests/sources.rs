//! Files before the build.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_build::{Options, Overlay, build};
use capstan_model::Fault;
use capstan_sops::{Decryptor, NoKeyService};
use capstan_tree::{MemTree, Tree};
use common::{fixture, keys, text};

fn tree(files: &[(&str, &str)]) -> MemTree {
    let files = files.iter().map(|(path, content)| {
        let content = match content.strip_prefix('@') {
            Some(name) => fixture(name),
            None => content.as_bytes().to_vec(),
        };
        ((*path).to_owned(), content)
    });
    files.collect()
}

fn paths(tree: &MemTree, path: &str, components: &[&str]) -> Result<Vec<String>, String> {
    let keys = keys(&["one.agekey"]);
    let components: Vec<_> = components.iter().map(|name| (*name).to_owned()).collect();
    let found = Decryptor::new(&keys, &NoKeyService).sources(tree, path, &components);
    found.map(|found| found.paths().map(str::to_owned).collect()).map_err(|error| {
        assert_eq!(error.reason(), "BuildFailed");
        error.to_string()
    })
}

#[test]
fn generators_and_patches_are_read_in_plain_text() {
    let kustomization = "
secretGenerator:
- name: a
  files: [c.yaml, key.json=json.txt, raw=raw.bin]
  envs: [all.env, named]
patches:
- path: patch.yaml
- path: https://example.com/patch.yaml
- patch: '[]'
resources: [base, base/other.yaml, gone, https://example.com/base]
components: [part]
configMapGenerator:
- name: left
  files: [left.yaml]
";
    let tree = tree(&[
        ("app/kustomization.yaml", kustomization),
        ("app/c.yaml", "@encrypted/types.yaml"),
        ("app/json.txt", "@encrypted/types.json"),
        ("app/raw.bin", "@encrypted/raw.bin"),
        ("app/all.env", "@encrypted/types.env"),
        ("app/named", "@encrypted/types.env"),
        ("app/patch.yaml", "@encrypted/encrypted-suffix.yaml"),
        ("app/left.yaml", "@encrypted/types.yaml"),
        (
            "app/base/kustomization.yml",
            "secretGenerator: [{name: b, files: [../other/d.ini, plain.yaml]}]\nresources: [../]\n",
        ),
        ("app/base/plain.yaml", "a: b\n"),
        ("app/base/other.yaml", "a: b\n"),
        ("app/other/d.ini", "@encrypted/types.ini"),
        ("app/part/Kustomization", "secretGenerator: [{name: b, envs: [e.json]}]\n"),
        ("app/part/e.json", "@encrypted/types.json"),
        ("extra/kustomization.yaml", "secretGenerator: [{name: b, files: [f.env]}]\n"),
        ("extra/f.env", "@encrypted/types.env"),
        ("away/kustomization.yaml", "secretGenerator: [{name: b, files: [f.env]}]\n"),
        ("away/f.env", "@encrypted/types.env"),
    ]);
    let found = paths(&tree, "app", &["../extra"]).expect("decrypted");
    let expected = [
        "app/all.env",
        "app/c.yaml",
        "app/json.txt",
        "app/named",
        "app/other/d.ini",
        "app/part/e.json",
        "app/patch.yaml",
        "app/raw.bin",
        "extra/f.env",
    ];
    assert_eq!(found, expected);

    let keys = keys(&["one.agekey"]);
    let sources =
        Decryptor::new(&keys, &NoKeyService).sources(&tree, "app", &[]).expect("decrypted");
    assert_eq!(format!("{sources:?}"), "Sources(8)");
    let plain = sources.over(&tree);
    assert_eq!(plain.read("app/./c.yaml"), Ok(fixture("decrypted/types.yaml")));
    assert_eq!(plain.read("app/base/plain.yaml"), Ok(b"a: b\n".to_vec()));
    assert_eq!(plain.list("app"), tree.list("app"));
}

#[test]
fn a_generated_secret_holds_the_plain_text() {
    let tree = tree(&[
        (
            "kustomization.yaml",
            "secretGenerator: [{name: a, files: [types.json]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n",
        ),
        ("types.json", "@encrypted/types.json"),
    ]);
    let keys = keys(&["one.agekey"]);
    let decryptor = Decryptor::new(&keys, &NoKeyService);
    let plain = decryptor.sources(&tree, "", &[]).expect("decrypted").over(&tree);
    let objects = build(&plain, "", &Overlay::default(), Options::FLUX).expect("built");
    let packed = STANDARD.encode(text("decrypted/types.json"));
    let data = objects[0].value()["data"]["types.json"].as_str().expect("a text");
    assert_eq!(data.replace('\n', ""), packed);
}

#[test]
fn a_directory_without_a_kustomization_leads_to_those_below_it() {
    let tree = tree(&[
        ("apps/a/kustomization.yaml", "secretGenerator: [{name: b, files: [f.env]}]\n"),
        ("apps/a/f.env", "@encrypted/types.env"),
        ("apps/b.yaml", "a: b\n"),
    ]);
    assert_eq!(paths(&tree, "apps", &[]), Ok(vec!["apps/a/f.env".to_owned()]));
}

#[test]
fn files_that_do_not_decrypt_are_named() {
    let kustomization = ("kustomization.yaml", "secretGenerator: [{name: a, files: [f.yaml]}]\n");
    let other = tree(&[kustomization, ("f.yaml", "@encrypted/pgp-rsa.yaml")]);
    let error = paths(&other, "", &[]).expect_err("no key");
    assert!(
        error.starts_with("error decrypting sources: `f.yaml`: cannot get sops data key: "),
        "{error}"
    );
    let large = "a".repeat((5 << 20) + 1);
    let large = tree(&[kustomization, ("f.yaml", &large)]);
    assert_eq!(
        paths(&large, "", &[]),
        Err("error decrypting sources: `f.yaml`: cannot decrypt file with size (5242881 bytes) exceeding limit (5242880)".to_owned())
    );
}

#[test]
fn what_leads_out_of_the_tree_is_left_to_the_build() {
    let tree = tree(&[
        (
            "kustomization.yaml",
            "secretGenerator: [{name: a, files: [../../etc/passwd, /etc/passwd, gone]}]\nresources: [../.., /]\n",
        ),
        ("a/kustomization.yaml", "resources: 5\n"),
        ("b/kustomization.yaml", "{"),
    ]);
    for path in ["", "a", "b", "gone", "../.."] {
        assert_eq!(paths(&tree, path, &["../../..".to_owned().as_str()]), Ok(vec![]), "{path}");
    }
}
