use std::collections::BTreeMap;

use capstan_model::Manifest;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{ManifestSubstError, SubstError, expand, expand_manifest, expand_manifest_always};

fn check(text: &str, expected: &str) {
    let lookup = |name: &str| match name {
        "foo" => Some("Bar".to_owned()),
        "path" => Some("/usr/bin/app.tar.gz".to_owned()),
        "empty" => Some(String::new()),
        _ => None,
    };
    assert_eq!(expand(text, &lookup, false).as_deref(), Ok(expected), "{text}");
}

#[test]
fn values_and_defaults() {
    check("plain $foo and $", "plain $foo and $");
    check("<${foo}>", "<Bar>");
    check("${none:-a ${foo} b}", "a Bar b");
    check("${empty:=x}${empty=y}${foo:?z}", "xyBar");
    check("$${foo} $$", "${foo} $");
}

#[test]
fn slices_count_bytes() {
    check("${foo:1}", "ar");
    check("${foo:${none:--2}}", "ar");
    check("${foo:0:2}${foo:9}${foo:0:99}", "BaBar");
}

#[test]
fn prefixes_and_suffixes() {
    check("${path##*/}", "app.tar.gz");
    check("${path%.*}", "/usr/bin/app.tar");
    check("${path%%.*}", "/usr/bin/app");
    check("${path#*/}", "usr/bin/app.tar.gz");
}

#[test]
fn replacements() {
    check("${path//\\//_}", "_usr_bin_app.tar.gz");
    check("${path/bin/lib}", "/usr/lib/app.tar.gz");
    check("${path/#\\/usr/}", "/usr/bin/app.tar.gz");
    check("${path/%gz/xz}", "/usr/bin/app.tar.xz");
}

#[test]
fn an_error_names_variable_and_line() {
    let error = expand("a\nb ${foo.bar}", &|_| None, false).expect_err("a dot");
    assert_eq!(
        error.to_string(),
        "missing closing brace in `${foo` on line 2: write `$${` for a literal `${`"
    );
    let error = expand("${none}", &|_| None, true).expect_err("strict");
    assert_eq!(error, SubstError::Unset("none".to_owned()));
}

#[test]
fn nesting_has_a_limit() {
    let deep = "${a:-".repeat(100_000);
    let error = expand(&deep, &|_| None, false).expect_err("too deep");
    assert!(error.to_string().starts_with("more than 100 levels"), "{error}");
}

fn manifest(value: Value) -> Manifest {
    Manifest::try_from(value).expect("a manifest")
}

fn config_map(data: Value) -> Manifest {
    let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n"}});
    value["data"] = data;
    manifest(value)
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn types_follow_the_text() {
    let before = config_map(json!({"n": "${n}", "e": "${e}", "q": "a ${n}", "l": "${l}"}));
    let variables = variables(&[("n", "5"), ("e", ""), ("l", "one\ntwo")]);
    let after = expand_manifest(&before, &variables, true).expect("expands");
    assert_eq!(after.value()["data"], json!({"n": 5, "e": null, "q": "a 5", "l": "onetwo"}));
}

#[test]
fn without_variables_nothing_happens_unless_asked_for() {
    let before = config_map(json!({"a": "$${x}"}));
    let none = BTreeMap::new();
    assert_eq!(expand_manifest(&before, &none, true).expect("untouched"), before);
    let after = expand_manifest_always(&before, &none, true).expect("expands");
    assert_eq!(after.value()["data"]["a"], "${x}");
}

#[test]
fn an_object_may_opt_out() {
    for field in ["labels", "annotations"] {
        let mut value = config_map(json!({"a": "${x}"})).into_value();
        value["metadata"][field] = json!({"kustomize.toolkit.fluxcd.io/substitute": "disabled"});
        let before = manifest(value);
        let after = expand_manifest(&before, &variables(&[("x", "1")]), true);
        assert_eq!(after.expect("untouched"), before);
    }
}

#[test]
fn errors_name_the_object() {
    let before = config_map(json!({"a": "${x}"}));
    let error = expand_manifest(&before, &variables(&[("y", "1")]), true).expect_err("unset");
    assert_eq!(
        error.to_string(),
        "post build failed for 'ConfigMap/n/c': variable substitution failed: \
         variable not set (strict mode): \"x\""
    );
    let error = expand_manifest(&before, &variables(&[("a.b", "1")]), true).expect_err("a dot");
    assert_eq!(error, ManifestSubstError::VariableName("a.b".to_owned()));
    let before = config_map(json!({"a": "${x}"}));
    let error = expand_manifest(&before, &variables(&[("x", "[")]), true).expect_err("not YAML");
    assert!(error.to_string().contains("ConfigMap/n/c"), "{error}");
}

proptest! {
    #[test]
    fn no_text_panics(text in "[$\\{}:#%/^,=a-c0-9\\\\\\-\\[\\]*? é\n]{0,24}", strict: bool) {
        let lookup = |name: &str| (name != "b").then(|| "vé/a.b".to_owned());
        let _ = expand(&text, &lookup, strict);
    }

    #[test]
    fn text_without_dollars_is_untouched(text in "[^$]{0,40}") {
        prop_assert_eq!(expand(&text, &|_| None, true), Ok(text));
    }

    #[test]
    fn doubled_dollars_keep_any_text(text in "\\PC{0,40}") {
        prop_assert_eq!(expand(&text.replace('$', "$$"), &|_| None, true), Ok(text));
    }
}
