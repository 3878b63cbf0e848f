//! The newest tag in a range of versions.

use capstan_model::{Version, VersionRange};

use crate::fetch::{Depth, Fetch};
use crate::{FetchError, Wanted};

const FOLDER: &str = "refs/tags/";

/// The tag with the highest version in a range. Of several with that version, which differ in build metadata, the one whose
/// commit is youngest; of those the last by name.
pub(crate) fn newest(fetch: &Fetch<'_>, range: &str) -> Result<String, FetchError> {
    let parsed = VersionRange::parse(range)?;
    let names =
        fetch.list(&Wanted::Semver(range.to_owned()), "+refs/tags/*:refs/capstan/tags/*")?;
    let mut best = highest(&names, &parsed);
    best.sort();
    match best.as_slice() {
        [] => Err(FetchError::NoMatch { range: range.to_owned() }),
        [only] => Ok(only.clone()),
        several => youngest(fetch, several),
    }
}

/// The tags that share the highest version in a range.
fn highest(names: &[String], range: &VersionRange) -> Vec<String> {
    let tags = names.iter().filter_map(|name| name.strip_prefix(FOLDER));
    let versions = tags.filter_map(Version::parse).filter(|version| range.contains(version));
    let mut best: Vec<Version> = Vec::new();
    for version in versions {
        match best.first() {
            Some(known) if *known > version => {}
            Some(known) if *known == version => best.push(version),
            _ => best = vec![version],
        }
    }
    best.iter().map(ToString::to_string).collect()
}

fn youngest(fetch: &Fetch<'_>, tags: &[String]) -> Result<String, FetchError> {
    let mut timed = Vec::new();
    for tag in tags {
        let wanted = Wanted::Tag(tag.clone());
        let id = fetch.receive(&wanted, &wanted.refspecs(), Depth::One)?;
        timed.push((fetch.read(&wanted, id)?.commit.time(), tag));
    }
    timed.sort();
    let absent = || FetchError::NoMatch { range: tags.join(" || ") };
    timed.pop().map(|(_, tag)| tag.clone()).ok_or_else(absent)
}

#[cfg(test)]
mod tests {
    use super::highest;
    use capstan_model::VersionRange;

    #[test]
    fn the_highest_versions_are_found() {
        let names = [
            "refs/tags/v1.0.0",
            "refs/tags/1.2.0+b",
            "refs/tags/v1.2.0+a",
            "refs/tags/2.0.0-rc.1",
            "refs/tags/x",
        ];
        let names = names.map(str::to_owned);
        let find = |range: &str| highest(&names, &VersionRange::parse(range).expect("a range"));
        assert_eq!(find("*"), ["1.2.0+b", "v1.2.0+a"]);
        assert_eq!(find("<1.2"), ["v1.0.0"]);
        assert_eq!(find(">=1.0.0-0"), ["2.0.0-rc.1"]);
        assert!(find(">2").is_empty());
    }
}
