use serde_json::json;

use super::{Map, Scalar, Tag, Value, set_field};
use crate::emit::style::Style;
use crate::{Schema, emit, read_spelled};

fn read(text: &str) -> Value {
    read_spelled(text, "f", Schema::Objects).expect("valid").remove(0).value
}

#[test]
fn a_new_key_has_no_quotes_and_must_be_a_text() {
    let mut map = Map::new();
    map.insert("1".to_owned(), "quoted".into());
    set_field(&mut map, "1", "new".into());
    set_field(&mut map, "a", "new".into());
    assert_eq!(Value::from(map.clone()).to_json(), Ok(json!({"1": "new", "a": "new"})));
    for key in ["2", "true", "2024-01-01", "~"] {
        let mut map = map.clone();
        set_field(&mut map, key, "new".into());
        let error = Value::from(map.clone()).settle().expect_err(key);
        assert!(error.contains(key), "{error}");
        map.remove(key);
        assert_eq!(Value::from(map).settle(), Ok(()), "{key}");
    }
}

#[test]
fn a_scalar_without_a_tag_is_what_its_text_says() {
    for (text, style, meant) in [
        ("1.10", Style::Plain, json!(1.1)),
        ("1.10", Style::Double, json!("1.10")),
        ("yes", Style::Plain, json!("yes")),
        ("", Style::Plain, json!(null)),
        ("", Style::Single, json!("")),
        ("a: b", Style::Plain, json!("a: b")),
        ("2024-01-01", Style::Plain, json!("2024-01-01T00:00:00Z")),
        ("x\ny\n\n", Style::Folded, json!("x\ny\n\n\n")),
        ("x\n ", Style::Folded, json!("x\n ")),
    ] {
        let scalar = Scalar { text: text.to_owned(), style, ..Scalar::default() };
        assert_eq!(Value::from(scalar).to_json(), Ok(meant), "{text:?} {style:?}");
    }
}

#[test]
fn a_tag_is_written_where_the_text_says_something_else() {
    let typed = |text: &str, tag| Value::from(Scalar::typed(text.to_owned(), tag)).to_json();
    assert_eq!(typed("1.10", Tag::Text), Ok(json!("1.10")));
    assert_eq!(typed("2", Tag::Float), Ok(json!(2)));
    assert!(typed("x", Tag::Int).is_err() && typed("2.5", Tag::Int).is_err());
    assert!(typed("x", Tag::Null).is_err());
}

#[test]
fn nothing_in_braces_is_an_empty_text() {
    let value = read("a: {b: , c: null}\nd:\ne: [{f: }]\n");
    let json = json!({"a": {"b": "", "c": null}, "d": null, "e": [{"f": ""}]});
    assert_eq!(value.to_json(), Ok(json));
}

#[test]
fn a_number_in_the_place_of_a_quoted_text_is_quoted() {
    let Value::Object(mut map) = read("a: 'x'\nb: x\nc: |\n  x\nd: 1\n") else { panic!("a map") };
    for key in ["a", "b", "c", "d"] {
        set_field(&mut map, key, read("1.10"));
    }
    set_field(&mut map, "e", Value::bare("1"));
    set_field(&mut map, "f", Value::null());
    let json = json!({"a": "1.10", "b": 1.1, "c": "1.10", "d": 1.1, "e": "1"});
    assert_eq!(Value::Object(map).to_json(), Ok(json));
}

#[test]
fn what_is_settled_is_printed_as_it_is_meant() {
    let mut value = read("a: 0x1F\nb: >\n  x\n\n\nc: 1.50\nd: ~\ne: !!str 5\nf: 2024-01-01\n");
    let json = value.to_json().expect("valid");
    value.settle().expect("valid");
    assert_eq!(emit(&value), emit(&json));
    assert_eq!(value.into_json(), json);
}

#[test]
fn values_of_json_are_spelled_as_kustomize_writes_them_anew() {
    let value = Value::of_json(json!({"a": 1_000_000, "b": "5", "c": "x"}));
    let text = |key: &str| value.get(key).and_then(Value::written);
    assert_eq!([text("a"), text("b"), text("c")], [Some("1e+06"), Some("5"), Some("x")]);
    assert_eq!(value.to_json(), Ok(json!({"a": 1_000_000, "b": "5", "c": "x"})));
    assert_eq!(Map::new().len(), 0);
}
