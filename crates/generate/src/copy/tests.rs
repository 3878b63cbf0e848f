use capstan_api::flux::CopyOperation;
use capstan_tree::MemTree;

use super::{Sources, build};

fn tree(files: &[(&str, &str)]) -> MemTree {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn rule(from: &str, to: &str) -> CopyOperation {
    CopyOperation { from: from.to_owned(), to: to.to_owned(), ..CopyOperation::default() }
}

/// An archive of a test is a list of names.
fn unpack(bytes: &[u8]) -> Result<MemTree, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    Ok(text.split_whitespace().map(|name| (name.to_owned(), b"x".to_vec())).collect())
}

fn made(rules: &[CopyOperation]) -> Result<Vec<String>, String> {
    let git = tree(&[
        ("README.md", "r"),
        ("apps/web/deploy.yaml", "d"),
        ("apps/web/docs/x.md", "m"),
        ("apps/api/deploy.yaml", "d"),
        ("values.yaml", "a: 1\n"),
        ("pack.tgz", "in/one in/two"),
        ("deep/er/pack.tar.gz", "three"),
    ]);
    let other = tree(&[("values.yaml", "b: 2\n")]);
    let sources = Sources::from([("git", &git as _), ("other", &other as _)]);
    let made = build(rules, &sources, &unpack).map_err(|error| error.to_string())?;
    Ok(made.files().map(|(path, _)| path.to_owned()).collect())
}

#[test]
fn paths_are_copied_as_cp_copies_them() {
    let is = |from, to, expected: &[&str]| {
        assert_eq!(made(&[rule(from, to)]).expect(from), expected, "{from} {to}");
    };
    is("@git/README.md", "@artifact/", &["README.md"]);
    is("@git/README.md", "@artifact/a/b.md", &["a/b.md"]);
    is("@git/README.md", "@artifact/a/", &["a/README.md"]);
    is("@git/apps/web", "@artifact/", &["web/deploy.yaml", "web/docs/x.md"]);
    is("@git/apps/web/", "@artifact/to", &["to/web/deploy.yaml", "to/web/docs/x.md"]);
}

#[test]
fn patterns_keep_the_path_apart_from_what_two_stars_stand_behind() {
    let is = |from, to, expected: &[&str]| {
        assert_eq!(made(&[rule(from, to)]).expect(from), expected, "{from} {to}");
    };
    is("@git/*.md", "@artifact/a/", &["a/README.md"]);
    is("@git/apps/web/**", "@artifact/", &["deploy.yaml", "docs/x.md"]);
    is("@git/apps/*/deploy.yaml", "@artifact/", &["apps/api/deploy.yaml", "apps/web/deploy.yaml"]);
    is("@git/apps/w*", "@artifact/", &["apps/web/deploy.yaml", "apps/web/docs/x.md"]);
}

#[test]
fn what_is_excluded_is_left_out() {
    let but = |from: &str, exclude: &[&str]| {
        let exclude = exclude.iter().map(|&pattern| pattern.to_owned()).collect();
        made(&[CopyOperation { exclude, ..rule(from, "@artifact/") }])
    };
    assert_eq!(but("@git/apps/web/**", &["*.md"]).expect("a rule"), ["deploy.yaml"]);
    assert_eq!(but("@git/apps/web", &["docs/**"]).expect("a rule"), ["web/deploy.yaml"]);
    assert_eq!(but("@git/apps/*", &["apps/web"]).expect("a rule"), ["apps/api/deploy.yaml"]);
    assert!(but("@git/*.md", &["**"]).expect_err("nothing is left").contains("were excluded"));
}

#[test]
fn files_are_merged_where_one_is() {
    let merge = CopyOperation {
        strategy: Some("Merge".to_owned()),
        ..rule("@other/values.yaml", "@artifact/")
    };
    let git = tree(&[("values.yaml", "a: 1\n")]);
    let other = tree(&[("values.yaml", "b: 2\n")]);
    let sources = Sources::from([("git", &git as _), ("other", &other as _)]);
    let rules = [rule("@git/values.yaml", "@artifact/"), merge];
    let made = build(&rules, &sources, &unpack).expect("rules");
    assert_eq!(made.files().next(), Some(("values.yaml", &b"a: 1\nb: 2\n"[..])));
}

#[test]
fn archives_are_unpacked() {
    let extract = |from: &str| {
        made(&[CopyOperation {
            strategy: Some("Extract".to_owned()),
            ..rule(from, "@artifact/to")
        }])
    };
    assert_eq!(extract("@git/pack.tgz").expect("a rule"), ["to/in/one", "to/in/two"]);
    assert_eq!(extract("@git/**/*.tar.gz").expect("a rule"), ["to/three"]);
    assert!(extract("@git/README.md").expect_err("none").contains("requires tarball"));
    assert!(extract("@git/apps").expect_err("none").contains("not supported for directories"));
}

#[test]
fn what_cannot_be_followed_is_said() {
    let says = |from, to| made(&[rule(from, to)]).expect_err(from);
    assert!(says("@git/none", "@artifact/").contains("source 'none' does not exist"));
    assert!(says("@git/none/*", "@artifact/").contains("no files match pattern 'none/*'"));
    assert!(says("@none/x", "@artifact/").contains("alias 'none' not found"));
    assert!(says("@git/README.md", "@artifact/../x").contains("within the artifact root"));
    assert!(says("@git/../x", "@artifact/").contains("leads out"));
    assert!(says("git/x", "@artifact/").contains("'@alias/pattern'"));
    let twice = [rule("@git/README.md", "@artifact/a"), rule("@git/apps/web", "@artifact/a")];
    assert!(made(&twice).expect_err("a file").contains("'a' is a file already"));
}
