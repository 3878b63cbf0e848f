use super::{Schema, read, read_documents, read_marked};
use serde_json::json;

#[test]
fn documents_and_empty_ones() {
    let text = "# only a comment\n---\na: 1\n---\n---\nb: [x, 'y', \"z\"]\n...\n";
    assert_eq!(read(text, "f").expect("valid"), [json!({"a": 1}), json!({"b": ["x", "y", "z"]})]);
    assert!(read("", "f").expect("valid").is_empty());
}

#[test]
fn anchors_and_merge_keys_are_expanded() {
    let text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\n";
    let value = read(text, "f").expect("valid").remove(0);
    assert_eq!(
        value,
        json!({"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}, "two": {"x": 1, "y": 2}})
    );
}

#[test]
fn a_block_scalar_ends_in_a_line_break_where_the_text_does() {
    for (text, value) in [
        ("a: |\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: |+\n  x", "x"),
        ("a: |-\n  x", "x"),
        ("a: |\n  x\n", "x\n"),
        ("a: |\n  x\n ", "x\n"),
        ("a: |\n  x\n   ", "x\n "),
        ("a: |2\n    ", "  "),
        ("a: |\n  x\n# c", "x\n"),
        ("a: |\r\n  x", "x"),
    ] {
        assert_eq!(read(text, "f").expect("valid"), [json!({"a": value})], "{text:?}");
        let config = read_documents(text, "f", Schema::Config).expect("valid").remove(0).value;
        assert_eq!(config, json!({"a": value}), "{text:?}");
    }
    let two = read("a: |\n  x\n---\na: |\n  x", "f").expect("valid");
    assert_eq!(two, [json!({"a": "x\n"}), json!({"a": "x"})]);
}

#[test]
fn block_scalars_keep_their_bytes() {
    let text = "data:\n  a.json: |\n    {\n      \"k\": 1\n    }\n  b: |-\n    x\n    y\n  c: >\n    p\n    q\n";
    let value = read(text, "f").expect("valid").remove(0);
    assert_eq!(value, json!({"data": {"a.json": "{\n  \"k\": 1\n}\n", "b": "x\ny", "c": "p q\n"}}));
}

#[test]
fn faults_name_file_line_and_column() {
    for (text, place, words) in [
        ("a: 1\nb: 2\na: 3\n", "f:3:1: ", "given twice"),
        ("a:\n  - b\n c: d\n", "f:3:", ""),
        ("x: 1\n1: y\n", "f:2:1: ", "not a string"),
        ("a: *missing\n", "f:1:4: ", ""),
        ("a: .inf\n", "f:1:4: ", "no JSON value"),
        ("a: !!bool 12\n", "f:1:11: ", "not of the type"),
        ("a: !!int 1.5\n", "f:1:10: ", "not of the type"),
        ("a: !!null x\n", "f:1:11: ", "not of the type"),
    ] {
        let message = read(text, "f").expect_err(text).to_string();
        assert!(message.starts_with(place) && message.contains(words), "{text}: {message}");
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let refs = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert!(read(&text, "f").expect_err("too large").message.contains("aliases"));
}

#[test]
fn marks_lead_to_lines() {
    let text = "kind: A\nresources:\n- a\n- b\nlabels:\n- pairs: {x: y}\n";
    let document = read_marked(text, "f").expect("valid").remove(0);
    assert_eq!(document.mark("/resources/1").line, 4);
    assert_eq!(document.mark("/labels/0/pairs/x/deeper").line, 6);
    assert_eq!(document.start.line, 1);
}

#[test]
fn comments_are_no_data_wherever_they_stand() {
    let text = "# first\na: 1 # after\n# between\nb:\n# before an item\n- 2 # after an item\n- # before a value\n  3\n---\n# only\n";
    assert_eq!(read(text, "f").expect("valid"), [json!({"a": 1, "b": [2, 3]})]);
}
