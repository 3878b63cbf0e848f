use super::LabelSelector;

fn matches(selector: &str) -> bool {
    let labels = [("app", "web"), ("tier", "a"), ("n", "5"), ("example.org/empty", "")];
    let selector: LabelSelector = selector.parse().expect(selector);
    selector.matches(|key| labels.iter().find(|(own, _)| *own == key).map(|(_, value)| *value))
}

#[test]
fn labels_are_compared_by_every_operator() {
    for selector in [
        "",
        " ",
        "app",
        "!gone",
        "! gone",
        "app=web",
        "app == web , tier!=b",
        "app in (web, db)",
        "app in(web)",
        "app notin (db),gone notin ()",
        "gone != x",
        "n>4,n<6",
        "example.org/empty=",
        "example.org/empty=,app",
        "example.org/empty in (,x)",
        "example.org/empty in ()",
        "gone notin (in, notin)",
    ] {
        assert!(matches(selector), "{selector}");
    }
    for selector in [
        "gone",
        "!app",
        "app=db",
        "app!=web",
        "app in (db)",
        "app notin (web)",
        "n>5",
        "app<9",
        "app in ()",
    ] {
        assert!(!matches(selector), "{selector}");
    }
}

#[test]
fn what_is_no_selector_is_refused() {
    for selector in [
        ",",
        "a,",
        "a,,b",
        "a b",
        "=b",
        "a=b=c",
        "a in",
        "a in b",
        "a in (b",
        "a in (b c)",
        "a in b)",
        "a===b",
        "a>b",
        "a<",
        "-a",
        "a-",
        "/a",
        "a/",
        "A.b/c",
        "a=-",
        "a=b/c",
        "!a=b",
        "a(b)",
        "!!a",
        "a!b",
    ] {
        assert!(selector.parse::<LabelSelector>().is_err(), "{selector}");
    }
    let long = "a".repeat(64);
    assert!(long.parse::<LabelSelector>().is_err());
    assert!(format!("a={long}").parse::<LabelSelector>().is_err());
}

#[test]
fn an_error_says_what_was_expected() {
    let said = |selector: &str| selector.parse::<LabelSelector>().expect_err(selector).to_string();
    assert_eq!(
        said("a b"),
        "`a b` is no label selector: found `b` where an operator (=, ==, !=, in, notin, <, >) was expected"
    );
    assert!(said("a in (b").ends_with("it ends where `,` or `)` was expected"));
}
