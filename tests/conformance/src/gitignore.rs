//! `.sourceignore`: what is left out of a source.

use capstan_tree::ignore::{DEFAULTS, Outcome, Pattern};
use capstan_tree::{Ignore, MemTree, Tree, filtered};
use serde_json::Value;

use crate::case::{Verdict, flag, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "pattern" => pattern(case),
        "match" => Verdict::equal(
            &matcher(case).matches(&path(case), flag(case, "isDir")),
            &flag(case, "expected"),
        ),
        "file" => file(case),
        "archive" => archive(case),
        "default-patterns" => defaults(case),
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

fn parts(value: &Value) -> Vec<String> {
    let parts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    parts.map(str::to_owned).collect()
}

fn path(case: &Value) -> String {
    parts(&case["path"]).join("/")
}

fn pattern(case: &Value) -> Verdict {
    let pattern = Pattern::new(text(case, "pattern"), &parts(&case["domain"]).join("/"));
    let path = parts(&case["path"]);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let ours = match pattern.matches(&path, flag(case, "isDir")) {
        Outcome::None => "none",
        Outcome::Exclude => "exclude",
        Outcome::Include => "include",
    };
    Verdict::equal(&ours, &text(case, "expected"))
}

/// The patterns of a case, each with the directory that it is written in.
fn matcher(case: &Value) -> Ignore {
    let mut ignore = Ignore::default();
    let shared = parts(&case["domain"]).join("/");
    if flag(case, "default") {
        DEFAULTS.iter().for_each(|line| ignore.push(line, &shared));
    }
    for pattern in case["patterns"].as_array().into_iter().flatten() {
        match pattern.as_str() {
            Some(line) => ignore.push(line, &shared),
            None => ignore.push(text(pattern, "pattern"), &parts(&pattern["domain"]).join("/")),
        }
    }
    ignore
}

fn file(case: &Value) -> Verdict {
    let mut ignore = Ignore::default();
    let directory = parts(&case["domain"]).join("/");
    text(case, "text").lines().for_each(|line| ignore.push(line, &directory));
    let wrong = |paths: &Value, left_out: bool| {
        parts(paths).into_iter().find(|path| ignore.matches(path, false) != left_out)
    };
    match wrong(&case["excluded"], true).or_else(|| wrong(&case["kept"], false)) {
        Some(path) => Verdict::Failed(format!("{path} is judged wrongly")),
        None => Verdict::Passed,
    }
}

fn archive(case: &Value) -> Verdict {
    let files = parts(&case["files"]).into_iter().map(|path| (path, Vec::new()));
    let tree: MemTree = files.collect();
    let patterns = parts(&case["patterns"]);
    let ignore = match (flag(case, "filter"), patterns.is_empty()) {
        (false, _) => Ignore::default(),
        (true, true) => Ignore::defaults(),
        (true, false) => Ignore::new(patterns.iter().map(String::as_str)),
    };
    let tree = filtered(tree, ignore);
    let absent = parts(&case["absent"]).into_iter().find(|path| tree.kind(path).is_some());
    let missing = parts(&case["expected"]).into_iter().find(|path| tree.kind(path).is_none());
    match absent.or(missing) {
        Some(path) => Verdict::Failed(format!("{path} is judged wrongly")),
        None => Verdict::Passed,
    }
}

/// Each of these is left out by default.
fn defaults(case: &Value) -> Verdict {
    let defaults = Ignore::defaults();
    let kept = parts(&case["expected"]).into_iter().find(|pattern| {
        let path = pattern.trim_end_matches('/').replace("**/", "deep/er/").replace('*', "x");
        !defaults.matches(&path, pattern.ends_with('/'))
    });
    Verdict::of(kept.is_none(), || format!("{kept:?} is kept"))
}
