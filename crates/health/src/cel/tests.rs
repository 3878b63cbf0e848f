use serde_json::{Map, Value, json};

use super::{CelError, Expression, Output};

fn data() -> Map<String, Value> {
    let data = json!({"o": {"n": 1, "f": 1.5, "s": "Abc", "list": [1, 2, 3], "on": true}});
    data.as_object().expect("a map").clone()
}

fn value(text: &str) -> Result<Value, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    expression.evaluate(&data()).map_err(|error| error.to_string())
}

fn failure(text: &str) -> String {
    value(text).expect_err(text)
}

#[test]
fn optionals_ask_for_what_may_be_absent() {
    assert_eq!(value("o.?missing.?deeper.orValue(3)"), Ok(json!(3)));
    assert_eq!(value("o[?'n'].hasValue()"), Ok(json!(true)));
    assert_eq!(value("o.?n.optMap(n, n + 1).value()"), Ok(json!(2)));
    assert_eq!(value("optional.none()"), Ok(Value::Null));
    assert_eq!(value("[].first().orValue('none')"), Ok(json!("none")));
    assert_eq!(value("o.list.last().value()"), Ok(json!(3)));
}

#[test]
fn libraries_are_those_of_flux() {
    assert_eq!(value("sets.contains(o.list, [1, 3])"), Ok(json!(true)));
    assert_eq!(value("sets.equivalent([1, 1, 2], [2, 1])"), Ok(json!(true)));
    assert_eq!(value("sets.intersects(o.list, [7])"), Ok(json!(false)));
    assert_eq!(value("o.s.lowerAscii().split('b')"), Ok(json!(["a", "c"])));
    assert_eq!(value("base64.encode(b'hi')"), Ok(json!("aGk=")));
    assert_eq!(value("o.n < o.f && o.n == 1.0"), Ok(json!(true)));
    assert_eq!(value("duration('90s') > duration('1m')"), Ok(json!(true)));
}

#[test]
fn has_asks_only_for_the_last_field() {
    assert_eq!(value("has(o.n) && !has(o.gone)"), Ok(json!(true)));
    assert_eq!(value("has(o.?gone.deeper)"), Ok(json!(false)));
    assert!(failure("has(gone.n)").ends_with("no such attribute(s): gone.n"));
    assert!(failure("has(o.gone.deeper)").ends_with("no such key: gone"));
}

#[test]
fn a_failure_names_what_is_missing() {
    let why = |text: &str| failure(text).split("': ").last().unwrap_or_default().to_owned();
    assert_eq!(why("gone.a.b == 1"), "no such attribute(s): gone.a.b");
    assert_eq!(why("o.gone.b"), "no such key: gone");
    assert_eq!(why("o.list.all(x, x > gone)"), "no such attribute(s): gone");
    assert!(why("o.s + o.n").starts_with("no such overload"));
    assert_eq!(why("1 / 0"), "division by zero");
}

#[test]
fn what_cannot_be_read_is_shown_with_its_place() {
    assert_eq!(
        failure("true &&\n  o.n =="),
        "failed to parse the CEL expression 'true &&\n  o.n ==': ERROR: <input>:2:9: Syntax error: unexpected end of input\n |   o.n ==\n | ........^"
    );
    let error = Expression::compile("o.n == other", &["o"], Some(Output::Bool));
    assert_eq!(
        error.expect_err("other is not declared").to_string(),
        "failed to parse the CEL expression 'o.n == other': ERROR: <input>:1:8: undeclared reference to 'other' (in container '')\n | o.n == other\n | .......^"
    );
}

#[test]
fn bombs_are_refused_or_survived() {
    let nested = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(value(&nested(250)), Ok(json!(1)));
    assert!(matches!(Expression::parse(&nested(251)), Err(CelError::TooLarge(_))));
    assert!(matches!(Expression::parse(&nested(100_000)), Err(CelError::TooLarge(_))));
    assert_eq!(value(&format!("1{}", "+1".repeat(2047))), Ok(json!(2048)));
    assert_eq!(value(&format!("{}true", "!".repeat(4092))), Ok(json!(true)));
    assert!(failure(&format!("a{}", ".a".repeat(64))).contains("no such attribute"));
    assert!(failure(&format!("a{}", ".a".repeat(65))).contains("at most 64 fields"));
    assert_eq!(value(&format!("{}1", "false?1:".repeat(510))), Ok(json!(1)));
    let within = "o.list.all(a, o.list.all(b, o.list.all(c, o.list.all(d, true))))";
    assert!(matches!(Expression::parse(within), Err(CelError::TooLarge(_))));
    assert_eq!(
        value("o.list.filter(a, a > 1).map(a, a).filter(a, a > 2).map(a, a)"),
        Ok(json!([3]))
    );
    assert!(failure("'a'.matches('((a{99}){99}){99}')").contains("regex"));
}
