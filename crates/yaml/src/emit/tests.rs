use serde_json::{Value, json};

use super::emit;
use crate::read;

#[test]
fn maps_lists_and_leaves() {
    let value = json!({
        "spec": {"list": [{"b": 1, "a": "x"}, "y", [1, 2]], "empty": [], "none": {}},
        "n": null, "t": true, "f": 1.5
    });
    let text = "f: 1.5\n\"n\": null\nspec:\n  empty: []\n  list:\n  - a: x\n    b: 1\n  - \"y\"\n  - - 1\n    - 2\n  none: {}\nt: true\n";
    assert_eq!(emit(&value), text);
}

#[test]
fn strings_in_their_styles() {
    for (value, text) in [
        ("plain", "plain"),
        ("yes", "\"yes\""),
        ("0644", "\"0644\""),
        ("", "\"\""),
        ("a: b", "'a: b'"),
        ("- x", "'- x'"),
        ("-x", "-x"),
        ("*", "'*'"),
        ("it's", "it's"),
        ("'q'", "'''q'''"),
        (" lead", "' lead'"),
        ("tab\there", "\"tab\\there\""),
        ("\u{1f600}", "\"\\U0001F600\""),
        ("é", "é"),
        ("x #y", "'x #y'"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\nb", "|-\n  a\n  b"),
        ("a\n\n", "|+\n  a\n"),
        (" a\nb", "|2-\n   a\n  b"),
        ("a \nb", "\"a \\nb\""),
    ] {
        assert_eq!(emit(&json!({ "k": value })), format!("k: {text}\n"), "{value:?}");
    }
}

#[test]
fn long_text_is_folded_after_column_80() {
    let words = vec!["word"; 30].join(" ");
    let text = emit(&json!({ "key": words }));
    assert!(text.lines().count() == 2 && text.lines().nth(1).is_some_and(|l| l.starts_with("  w")));
    assert_eq!(read(&text, "f").expect("valid"), [json!({ "key": words })]);
}

#[test]
fn what_is_emitted_reads_back() {
    for text in
        ["", "y", "a\n", "\n", " \n", "a\n\n b\n", "\ta", "x: y\nz", "#", "k'\"", "1e3", "\r\n"]
    {
        for value in [json!({ "k": text }), json!([text]), json!({ "l": [{ "m": text }] })] {
            let emitted = emit(&value);
            assert_eq!(read(&emitted, "f").expect("valid"), [value], "{emitted}");
        }
    }
    let long_key: Value = json!({ "k".repeat(200): {"a": 1} });
    assert_eq!(read(&emit(&long_key), "f").expect("valid"), [long_key]);
}
