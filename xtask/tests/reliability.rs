//! docs/reliability.md names tests: each of them is there.

use std::fs;
use std::path::Path;

/// The words in backquotes that name a test: `path::name`, where the path is a file from the root of the checkout.
fn named(page: &str) -> Vec<(&str, &str)> {
    let words = page.split('`').skip(1).step_by(2);
    words.filter_map(|word| word.split_once(".rs::")).collect()
}

/// A test is a function, or a case that a table of cases names.
fn holds(text: &str, name: &str) -> bool {
    let is_function = text.contains(&format!("fn {name}("));
    is_function || text.contains(&format!("(\"{name}\""))
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let root = Path::new("..");
    let page = fs::read_to_string(root.join("docs/reliability.md")).expect("the page is there");
    let named = named(&page);
    assert!(named.len() > 40, "only {} tests are named", named.len());
    let is_missing = |(file, name): &&(&str, &str)| {
        let text = fs::read_to_string(root.join(format!("{file}.rs")));
        !text.is_ok_and(|text| holds(&text, name))
    };
    let missing: Vec<_> = named.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "named and not there: {missing:?}");
}

#[test]
fn every_row_has_an_end() {
    let root = Path::new("..");
    let page = fs::read_to_string(root.join("docs/reliability.md")).expect("the page is there");
    let rows = page.lines().filter(|line| line.starts_with("| I") || line.starts_with("| F"));
    let mut seen = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        let tests = named(row).len();
        let is_open = cells[3].starts_with("open:");
        assert!(is_open || (cells[3] == "holds" && tests > 0), "no test, or no end: {row}");
        seen += 1;
    }
    assert!(seen > 20, "only {seen} rows");
}
