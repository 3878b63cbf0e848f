use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MAX_INDEX, Path, PathError, Segment, expand, get, get_str, set};

fn path(text: &str) -> Path {
    text.parse().expect("a valid path")
}

fn field(name: &str) -> Segment {
    Segment::Field(name.to_owned())
}

#[test]
fn reads_names_indexes_and_brackets() {
    for (text, segments) in [
        ("apiVersion", vec![field("apiVersion")]),
        ("metadata.name", vec![field("metadata"), field("name")]),
        (
            "spec.items[0][8]",
            vec![field("spec"), field("items"), Segment::Index(0), Segment::Index(8)],
        ),
        ("data[.config.yml]", vec![field("data"), field(".config.yml")]),
        ("a['b.c/d'].e", vec![field("a"), field("b.c/d"), field("e")]),
        ("a[007]", vec![field("a"), Segment::Index(7)]),
        ("a[99999999999]", vec![field("a"), field("99999999999")]),
        ("a[*]", vec![field("a"), field("*")]),
        ("a.0", vec![field("a"), field("0")]),
    ] {
        assert_eq!(path(text).segments(), segments, "{text}");
    }
}

#[test]
fn refuses_what_is_not_a_path() {
    for text in ["", ".a", "a.", "a..b", "a[]", "a.[0]", "a[0", "a]", "a[b[c]", "metadata..uid"] {
        assert!(matches!(text.parse::<Path>(), Err(PathError::Syntax { .. })), "{text}");
    }
}

#[test]
fn absent_is_not_found_but_a_wrong_type_is_not() {
    let object = json!({"a": {"b": [1], "n": null, "s": "x"}});
    for (text, message, not_found) in [
        ("a.c.d", "a.c: no such field", true),
        ("a.b[1]", "a.b[1]: no such element", true),
        ("a.s.t", "a.s: not an object", false),
        ("a.n.t", "a.n: not an object", false),
        ("a.s[0]", "a.s: not an array", false),
        ("[0]", "object: not an array", false),
    ] {
        let error = get_str(&object, text).expect_err(text);
        assert_eq!((error.to_string().as_str(), error.is_not_found()), (message, not_found));
    }
    assert_eq!(get_str(&object, "a.n").expect("a null is there"), &Value::Null);
}

#[test]
fn set_makes_maps_and_pads_arrays() {
    let mut object = json!({});
    set(&mut object, &path("spec.tags[1].value"), json!("x")).expect("set");
    assert_eq!(object, json!({"spec": {"tags": [null, {"value": "x"}]}}));
    set(&mut object, &path("spec.tags[0].value"), json!("y")).expect("a padded element is made");
    assert_eq!(object, json!({"spec": {"tags": [{"value": "y"}, {"value": "x"}]}}));
    set(&mut object, &path("spec.grid[0][2]"), json!(1)).expect("set");
    assert_eq!(object["spec"]["grid"], json!([[null, null, 1]]));
}

#[test]
fn set_does_not_write_through_scalars_or_beyond_the_limit() {
    let mut object = json!({"a": "x", "n": null});
    for (text, message) in [
        ("a.b", "a: not an object"),
        ("n.b", "n: not an object"),
        ("a[0]", "a: not an array"),
        ("l[1025]", "l[1025]: index 1025 is greater than max allowed index 1024"),
    ] {
        assert_eq!(set(&mut object, &path(text), json!(1)).expect_err(text).to_string(), message);
    }
    set(&mut object, &path(&format!("l[{MAX_INDEX}]")), json!(1))
        .expect("the limit itself is fine");
}

#[test]
fn numbers_stay_what_they_were() {
    let mut object = json!({});
    set(&mut object, &path("a"), json!(1.0)).expect("set");
    set(&mut object, &path("b"), json!(1)).expect("set");
    assert!(get_str(&object, "a").expect("there").is_f64());
    assert!(get_str(&object, "b").expect("there").is_i64());
}

#[test]
fn wildcards_expand_over_what_exists() {
    let object = json!({"l": [{"a": 1}, {"b": 2}, {"a": 3}], "m": {"x": {"v": 1}, "y.z": {"v": 2}}, "*": {"*": 1}});
    let expanded = |text: &str| -> Vec<String> {
        expand(&object, &path(text)).expect(text).iter().map(ToString::to_string).collect()
    };
    assert_eq!(expanded("l[*]"), ["l[0]", "l[1]", "l[2]"]);
    assert_eq!(expanded("l[*].a"), ["l[0].a", "l[2].a"]);
    assert_eq!(expanded("m[*].v"), ["m.x.v", "m[y.z].v"]);
    assert_eq!(expanded("none[*].v"), Vec::<String>::new());
    assert_eq!(expanded("l"), ["l"]);
    assert!(matches!(expand(&object, &path("l[0].a[*]")), Err(PathError::Wildcard(_))));
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        3 => "[a-zA-Z_][a-zA-Z0-9_./-]{0,6}".prop_map(Segment::Field),
        1 => (0usize..4).prop_map(Segment::Index),
    ]
}

fn any_path() -> impl Strategy<Value = Path> {
    ("[a-z]{1,5}", prop::collection::vec(segment(), 0..5)).prop_map(|(first, rest)| {
        let mut segments = vec![Segment::Field(first)];
        segments.extend(rest);
        Path::from_segments(segments).expect("there is a first one")
    })
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(path in any_path()) {
        prop_assert_eq!(path.to_string().parse::<Path>().expect("shown paths are valid"), path);
    }

    #[test]
    fn what_is_set_is_got(paths in prop::collection::vec(any_path(), 1..6)) {
        let mut object = json!({});
        for (value, path) in paths.iter().enumerate() {
            if set(&mut object, path, json!(value)).is_ok() {
                prop_assert_eq!(get(&object, path).expect("just set"), &json!(value));
                prop_assert_eq!(expand(&object, path).expect("exists"), vec![path.clone()]);
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,24}") {
        let mut object = json!({"a": [1, {"b": null}]});
        if let Ok(path) = text.parse::<Path>() {
            let _ = get(&object, &path);
            let _ = set(&mut object, &path, json!(1));
        }
    }
}
