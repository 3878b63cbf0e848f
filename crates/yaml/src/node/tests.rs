//! What kyaml makes of the same texts. An empty expectation: the text stays as it is.

use super::{Node, NodeKind, NodeStyle};

fn written(text: &str) -> String {
    let node = Node::read(text, "f").expect(text).expect(text);
    node.write()
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let expected = if expected.is_empty() { text } else { expected };
        assert_eq!(written(text), *expected, "{text:?}");
        assert_eq!(written(expected), *expected, "again: {expected:?}");
    }
}

#[test]
fn order_styles_tags_and_anchors_stay() {
    let long = format!("a: {}end\n", "long words ".repeat(12));
    check(&[
        ("b: 1\na: 2\n", ""),
        ("a:   1\nb:    {x:  1,y: [ 2,3 ]}\n", "a: 1\nb: {x: 1, y: [2, 3]}\n"),
        ("a: 'single'\nb: \"double\"\nc: plain\n", ""),
        ("l:\n    - a\n    -   b: 1\n        c: 2\n", "l:\n- a\n- b: 1\n  c: 2\n"),
        ("- - 1\n  - 2\n-\n  - 3\n", "- - 1\n  - 2\n- - 3\n"),
        ("a: [\n  1,\n  2,\n]\n", "a: [1, 2]\n"),
        ("a: []\nb: {}\nc:\nd: ~\n", ""),
        (
            "a: !!str 1\nb: !own x\nc: ! y\nd: !<tag:e.org,2000:x> z\n",
            "a: !!str 1\nb: !own x\nc: y\nd: !<tag:e.org,2000:x> z\n",
        ),
        ("a: &x {b: 1}\nc: *x\n", ""),
        ("? a\n: b\n? [c, d]\n: e\n", "a: b\n? [c, d]\n: e\n"),
        ("a: yes\nb: 0x1F\nc: 2024-01-01\n\"1\": x\n", ""),
        ("a: \"\"\nb: ''\n? ''\n: x\n", "a: \"\"\nb: ''\n'': x\n"),
        ("[a: 1, {b, c: }]\n", "[{a: 1}, {b: '', c: ''}]\n"),
        ("{a: \"x: y\", 'b': c}\n", ""),
        ("a: \"\\t\\u00e9\\U0001F600\\0\"\n", "a: \"\\té\\U0001F600\\0\"\n"),
        ("é: 日本\n", ""),
        ("a: b\n  c\n  d\n", "a: b c d\n"),
        ("a: 'x\n\n  y'\n", ""),
        (&long, ""),
        ("%TAG !e! tag:e.org,2000:\n---\na: !e!x y\n", "a: !<tag:e.org,2000:x> y\n"),
    ]);
    assert_eq!(written("a: &x {b: 1}\nd:\n  <<: *x\n"), "a: &x {b: 1}\nd:\n  !!merge <<: *x\n");
}

#[test]
fn texts_that_are_one_scalar() {
    check(&[("text only\n", ""), ("'q'\n", ""), ("12", "12\n"), ("|\n x\n", "|\n  x\n")]);
}

#[test]
fn line_ends_and_tabs() {
    check(&[
        ("\u{feff}a: 1\n", "a: 1\n"),
        ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", "a: 1\nb: |\n  x\n  y\n"),
        ("a:\r\n  # c\r\n  b: 1\r\n# d\r\n", "a:\n  # c\n  b: 1\n# d\n"),
        ("a:\t1\n", "a: 1\n"),
    ]);
}

#[test]
fn block_scalars() {
    check(&[
        ("a: |\n  x\n  y\n", ""),
        ("a: |-\n  x\n", ""),
        ("a: |+\n  x\n\n\n", ""),
        ("a: |2\n    x\n", ""),
        ("a: |\n  x", "a: |-\n  x\n"),
        ("a: |\n  x\n   ", "a: \"x\\n \"\n"),
        ("a: |\n  x\n ", "a: |\n  x\n"),
        ("a: |\n  x   \n  y\n", "a: \"x   \\ny\\n\"\n"),
        ("a: |\n  x\ty\n", ""),
        ("a: | # why\n  x\nb: 1\n", ""),
        ("a: \"x\\ny\\n\"\n", ""),
    ]);
    // A folded text grows empty lines each time.
    assert_eq!(written("a: >-\n  x\n    moved in\n  y\n"), "a: >-\n  x\n\n    moved in\n  y\n");
    assert_eq!(written("a: >\n  x\n  y\n\n  z\n"), "a: >\n  x y\n\n  z\n\n");
    assert_eq!(written("- |\n x\n- >\n y\n"), "- |\n  x\n- >\n  y\n\n");
}

#[test]
fn comments_stay() {
    check(&[
        ("# head\na: 1 # line\n# foot\n\nb: 2\n", ""),
        ("# document\n\n# first\na: 1\n", ""),
        ("a:\n  # in\n  b: 1\n  # after b\n\n  c: 2\n# end\n", ""),
        ("a: # on the key\n  b: 1\n", ""),
        ("a: # on the list\n- x\n", ""),
        ("- a # one\n# two\n- b\n", ""),
        ("- # text\n  a: 1\n", ""),
        ("-\n  # head\n  - x\n", "- # head\n  - x\n"),
        ("# h\n- # i\n  - x\n", ""),
        ("a: [1, # one\n  2] # two\n", ""),
        ("a: {\n  # head\n  b: 1,\n  # foot\n}\n", ""),
        ("a: 1\n\n\n# last\n", "a: 1\n\n# last\n"),
        ("a:\n  b: 1\n  # of b\n# of a\nc: 2\n", ""),
        ("a:\n- x\n# between\n- y\n  # deeper\n", "a:\n- x\n# between\n- y\n# deeper\n"),
        ("--- # mark\na: 1\n", "# mark\na: 1\n"),
        ("a: 1\n...\n# after\n", "a: 1\n\n# after\n"),
        ("a: 1 #no\n", ""),
        ("a: &x # anchor\n  b: 1\n", "a: &x\n  b: 1 # anchor\n"),
        ("a: # k\n  1 # v\n", "a: 1 # v\n"),
        ("? - a\n  # of a\n\n: b\n", "? - a\n  # of a\n: b\n"),
        ("a:\n    # far\n    b: 1\n   # odd\nc: 1\n", "a:\n  # far\n  b: 1\n  # odd\nc: 1\n"),
    ]);
}

#[test]
fn the_first_document_counts() {
    check(&[
        ("---\na: 1\n", "a: 1\n"),
        ("a: 1\n---\nb: 2\n", "a: 1\n"),
        ("--- |\n  x\n", "|\n  x\n"),
        ("a: 1\n...\nb: [\n", "a: 1\n"),
    ]);
    assert_eq!(written("---\n---\na: 1\n"), "\n");
    for text in ["", "\n\n", "# only\n", " \n"] {
        assert_eq!(Node::read(text, "f"), Ok(None), "{text:?}");
    }
}

#[test]
fn what_is_no_yaml_is_refused() {
    for (text, place) in [
        ("a: *b\n", "f:1:4: "),
        ("a: [1\n", "f:1:"),
        ("a: 'x\n", "f:"),
        ("a: b: c\n", "f:1:"),
        ("- a\nb: 1\n", "f:2:1: "),
        ("a: \"\\ud83d\\ude00\"\n", "f:1:4: "),
        ("&a.b x\n", "f:1:1: "),
        ("a: !e!x y\n", "f:1:4: "),
        ("a:\n\tb: 1\n", "f:2:1: "),
        ("a: |\n  \tx\n", "f:2:3: "),
    ] {
        let error = Node::read(text, "f").expect_err(text).to_string();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    for (part, end) in [("[", ""), ("{a: ", ""), ("- ", "x"), ("? ", "x"), ("[", "]")] {
        let text = part.repeat(20_000) + &end.repeat(20_000);
        let error = Node::read(&text, "f").expect_err(part).to_string();
        let words = ["nested too deeply", "recursion limit exceeded"];
        assert!(words.iter().any(|words| error.contains(words)), "{part}: {error}");
    }
    let text = "[".repeat(90) + &"]".repeat(90);
    assert!(Node::read(&text, "f").is_ok());
}

#[test]
fn every_document_of_a_text() {
    let text = "# head\na: &x 1\n# foot\n---\n# second\nb:\n  - c: 2 # line\n    d:\n      - |\n        text\n...\n---\n...\n--- {e: f}\n";
    let documents = Node::read_all(text, "f").expect("valid");
    let written = "# head\na: &x 1\n\n# foot\n---\n# second\nb:\n    - c: 2 # line\n      d:\n        - |\n          text\n---\n\n---\n{e: f}\n";
    assert_eq!(Node::write_all(&documents, 4), written);
    assert_eq!(Node::write_all(&documents[..1], 2), "# head\na: &x 1\n\n# foot\n");
    assert_eq!(Node::read_all("", "f"), Ok(Vec::new()));
    for (text, place) in [
        ("a: 1\n--- b: c\n", "f:2:"),
        ("a: &x 1\n---\nb: *x\n", "f:3:4: "),
        ("a: 1\n...\nb: [\n", "f:"),
    ] {
        let error = Node::read_all(text, "f").expect_err(text).to_string();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
}

#[test]
fn nodes_say_what_they_are() {
    let text = "# head\na: !!str 1 # line\n\"b\": &x\n  - |\n    t\n  - *x\n";
    let document = Node::read(text, "f").expect("valid").expect("a document");
    let [a, one, b, list] = document.content[0].content.as_slice() else { panic!("two entries") };
    assert_eq!(
        (a.tag.as_str(), a.comments.head.as_str(), a.line, a.column),
        ("!!str", "# head", 2, 1)
    );
    assert_eq!((one.tag.as_str(), one.is_tagged, one.line, one.column), ("!!str", true, 2, 4));
    assert_eq!(one.comments.line, "# line");
    assert_eq!((b.style, b.value.as_str(), b.column), (NodeStyle::Double, "b", 1));
    assert_eq!((list.kind, list.anchor.as_str(), list.line), (NodeKind::Sequence, "x", 3));
    let [text, alias] = list.content.as_slice() else { panic!("two items") };
    assert_eq!((text.style, text.value.as_str(), text.line), (NodeStyle::Literal, "t\n", 4));
    assert_eq!((alias.kind, alias.value.as_str()), (NodeKind::Alias, "x"));
}

#[test]
fn what_is_made_is_plain_unless_it_is_a_text() {
    let mut map = Node::new(NodeKind::Mapping);
    let text = Node { tag: "!!str".to_owned(), ..Node::scalar("1") };
    map.content = vec![Node::scalar("a"), Node::scalar("1"), Node::scalar("b"), text];
    map.content.extend([Node::scalar("c"), Node::scalar("x\ny")]);
    assert_eq!(map.write(), "a: 1\nb: \"1\"\nc: |-\n  x\n  y\n");
}
