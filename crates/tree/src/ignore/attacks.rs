use super::Ignore;

#[test]
fn pattern_bombs_take_no_time() {
    let stars = format!("/{}x", "**/".repeat(10_000));
    let globs = "*a".repeat(200) + "b";
    let anchored = format!("/{}/{globs}", "*".repeat(10_000));
    let classes = "[".repeat(10_000);
    let lines = [stars.as_str(), &globs, &anchored, &classes, "\\", "!", "/", "//"];
    let ignore = Ignore::new(lines.iter().copied().cycle().take(1_000));
    let (name, deep) = ("a".repeat(250), "d/".repeat(1_000));
    for path in [&name, &format!("{name}/{name}"), &format!("{deep}{name}")] {
        assert!(!ignore.matches(path, false), "{path}");
    }
}
