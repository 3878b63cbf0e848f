//! Texts and values that mean harm: each ends, soon, in an error or in what it says.

use capstan_subst::{SubstError, expand};

fn with<'a>(value: &'a str) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| (name == "v").then(|| value.to_owned())
}

#[test]
fn nested_defaults_are_bounded() {
    let deep = "${a:=".repeat(100_000) + &"}".repeat(100_000);
    let said = expand(&deep, &with(""), false).expect_err("too deep").to_string();
    assert!(said.contains("more than 100 levels"), "{said}");
    let open = "${a:=".repeat(100_000);
    expand(&open, &with(""), false).expect_err("never closed");
}

#[test]
fn values_are_not_expanded_again() {
    let expanded = expand("${v}", &with("${v}${v}"), true);
    assert_eq!(expanded.as_deref(), Ok("${v}${v}"));
}

#[test]
fn a_long_default_is_taken_as_it_is() {
    let long = "x".repeat(1 << 20);
    assert_eq!(expand(&format!("${{a:={long}}}"), &with(""), true), Ok(long));
}

#[test]
fn a_text_that_grows_beyond_measure_is_refused() {
    let value = "x".repeat(1 << 20);
    let places = "${v}".repeat(1_000);
    assert_eq!(expand(&places, &with(&value), true), Err(SubstError::TooLarge));
    let nested = format!("${{a:={places}}}");
    assert_eq!(expand(&nested, &with(&value), true), Err(SubstError::TooLarge));
    let replaced = "${v//x/${v}}";
    assert_eq!(expand(replaced, &with(&value), true), Err(SubstError::TooLarge));
    assert_eq!(expand("${v//x/y}", &with("axa"), true).as_deref(), Ok("aya"));
}

#[test]
fn patterns_take_bounded_time() {
    let stars = format!("${{v##{}b}}", "*a".repeat(500));
    let value = "a".repeat(1 << 10);
    assert_eq!(expand(&stars, &with(&value), true), Ok(value.clone()));
    let long = "a".repeat(1 << 20);
    let said = expand(&stars, &with(&long), true).expect_err("too long").to_string();
    assert!(said.contains("`${v}` is too long"), "{said}");
    assert_eq!(expand("${v%a}", &with(&long), true).map(|text| text.len()), Ok(long.len() - 1));
}
