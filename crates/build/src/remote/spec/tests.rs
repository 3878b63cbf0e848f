use std::time::Duration;

use super::RepoSpec;

/// Host, path and directory of a URL, divided by bars.
fn parts(text: &str) -> String {
    let spec = RepoSpec::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    format!("{}|{}|{}", spec.host, spec.repo_path, spec.root)
}

#[test]
fn hosts_are_normalised() {
    for (text, host) in [
        ("gitHub.com/", "https://github.com/"),
        ("github.com:", "https://github.com/"),
        ("http://github.com/", "https://github.com/"),
        ("hTTps://github.com/", "https://github.com/"),
        ("https://code.example.com/", "https://code.example.com/"),
        ("ssh://git.example.com:7999/", "ssh://git.example.com:7999/"),
        ("git::https://gitlab.com/", "https://gitlab.com/"),
        ("GIT::http://git.example.com/", "http://git.example.com/"),
        ("git@github.com:", "git@github.com:"),
        ("git@github.com/", "git@github.com:"),
        ("git::git@github.com:", "git@github.com:"),
        ("ssh://git@github.com/", "git@github.com:"),
        ("org-1@github.com/", "org-1@github.com:"),
        ("https://me@github.com/", "me@github.com:"),
        ("ssh://git@ssh.github.com:443/", "ssh://git@ssh.github.com:443/"),
        ("git@gitlab.com:", "git@gitlab.com:"),
        ("git@bitbucket.org/", "git@bitbucket.org/"),
        ("https://me:secret@host/", "https://me:secret@host/"),
    ] {
        assert_eq!(parts(&format!("{text}org/repo")), format!("{host}|org/repo|"));
        assert_eq!(parts(&format!("{text}org/repo/a/b?ref=v1")), format!("{host}|org/repo|a/b"));
        assert_eq!(parts(&format!("{text}org/repo//a/?ref=x")), format!("{host}|org/repo|a/"));
        assert_eq!(parts(&format!("{text}o/r.git/a?x")), format!("{host}|o/r.git|a"));
    }
}

#[test]
fn the_directory_begins_at_a_mark_or_after_two_parts() {
    for (text, expected) in [
        ("https://h/o/r", "https://h/|o/r|"),
        ("https://h/o/r/", "https://h/|o/r|"),
        ("https://h/o/r/d/e", "https://h/|o/r|d/e"),
        ("https://h/a/b/c//d", "https://h/|a/b/c|d"),
        ("https://h/a/b/c.git/d", "https://h/|a/b/c.git|d"),
        ("https://h/a/b/c.git//d", "https://h/|a/b/c.git|d"),
        ("https://h/c/p/_git/r", "https://h/|c/p/_git/r|"),
        ("https://h/c/p/_git/r/d", "https://h/|c/p/_git/r|d"),
        ("https://h/c/p/_git/r//d", "https://h/|c/p/_git/r|d"),
        ("https://h/id.git", "https://h/|id.git|"),
        ("git@host:id.git", "git@host:|id.git|"),
        ("git@host:o/r/d", "git@host:|o/r|d"),
        ("git@host/user:name/r.git/d", "git@host/|user:name/r.git|d"),
        ("file:///a/b/c", "file://|/a/b/c|"),
        ("file:///a/b//c", "file://|/a/b|c"),
        ("file:///", "file://|/|"),
        ("file://git@home/r.git//d", "file://|git@home/r.git|d"),
        ("https://h/o/r/%-odd", "https://h/|o/r|%-odd"),
        ("https://h/o/r//a/../b", "https://h/|o/r|a/../b"),
    ] {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn other_texts_are_no_git_urls() {
    for (text, words) in [
        ("/tmp", "uri looks like abs path"),
        ("../../tmp", "failed to parse scheme"),
        ("base", "failed to parse scheme"),
        ("./github.com/o/r", "failed to parse scheme"),
        ("src/github.com/o/r/d", "failed to parse scheme"),
        ("htxxxtp://github.com/", "failed to parse scheme"),
        ("git::___", "failed to parse scheme"),
        ("github.com!o/r.git//d", "failed to parse scheme"),
        ("gh:o/r", "failed to parse scheme"),
        ("ssh://h", "failed to parse repo path segment"),
        ("https://h?ref=a/b", "failed to parse repo path segment"),
        ("https://github.com/x.yaml", "failed to parse repo path segment"),
        ("file:////tmp//a", "failed to parse repo path segment"),
        ("git@scp://github.com/o/r.git//d", "failed to parse repo path segment"),
        ("git@ssh://github.com/o/r.git//d", "failed to parse repo path segment"),
        ("https://", "failed to parse host segment"),
        ("https://h/o/r.git//d/../../x", "url path exits repo"),
        ("https://h/o/r//..", "url path exits repo"),
        ("https://h/o/r/../x", "url path exits repo"),
        ("", "failed to parse scheme"),
    ] {
        assert_eq!(RepoSpec::parse(text).err().as_deref(), Some(words), "{text}");
    }
}

#[test]
fn queries_say_revision_timeout_and_submodules() {
    let read = |query: &str| {
        let spec = RepoSpec::parse(&format!("https://h/o/r?{query}")).expect(query);
        (spec.reference, spec.timeout.as_millis(), spec.submodules)
    };
    let default = Duration::from_secs(27).as_millis();
    for (query, reference, timeout, submodules) in [
        ("", "", default, true),
        ("ref=v1", "v1", default, true),
        ("version=v1", "v1", default, true),
        ("version=v2&ref=v1", "v1", default, true),
        ("ref=&version=v2", "v2", default, true),
        ("ref=a%2Fb+c", "a/b c", default, true),
        ("ref=group/version&submodules=false", "group/version", default, false),
        ("submodules=0", "", default, false),
        ("submodules=yes", "", default, true),
        ("timeout=61", "", 61_000, true),
        ("timeout=1m1s", "", 61_000, true),
        ("timeout=250ms", "", 250, true),
        ("timeout=0", "", default, true),
        ("timeout=-5s", "", default, true),
        ("timeout=soon", "", default, true),
        // What cannot be read as a whole says nothing.
        ("ref=v1&x=%zz", "", default, true),
        ("ref=v1;timeout=1", "", default, true),
        ("ref=--upload-pack=x", "--upload-pack=x", default, true),
    ] {
        assert_eq!(read(query), (reference.to_owned(), timeout, submodules), "{query}");
    }
}

#[test]
fn what_is_printed_holds_no_password() {
    let spec = RepoSpec::parse("https://me:hunter2@host/o/r//d?ref=v1&token=hunter3").expect("one");
    let text = format!("{spec:?}");
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains("https://host/o/r"), "{text}");
}
