use std::collections::BTreeSet;

use serde::Serialize;

/// A kind in its group; the core group is the empty string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupKind {
    /// The API group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

/// Reads `group/Kind,group/Kind`, where the core group and its slash are left out. Spaces around items do not count.
pub fn parse_group_kinds(text: &str) -> BTreeSet<GroupKind> {
    if text.is_empty() {
        return BTreeSet::new();
    }
    let item = |item: &str| {
        let (group, kind) = item.split_once('/').unwrap_or(("", item));
        GroupKind { group: group.to_owned(), kind: kind.to_owned() }
    };
    text.split(',').map(str::trim).map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::parse_group_kinds;

    fn read(text: &str) -> Vec<(String, String)> {
        parse_group_kinds(text).into_iter().map(|it| (it.group, it.kind)).collect()
    }

    #[test]
    fn items_are_a_set_of_groups_and_kinds() {
        let pair = |group: &str, kind: &str| (group.to_owned(), kind.to_owned());
        assert_eq!(read(""), []);
        assert_eq!(
            read("Secret, apps/Deployment ,Secret"),
            [pair("", "Secret"), pair("apps", "Deployment")]
        );
        assert_eq!(read("a/b/c"), [pair("a", "b/c")]);
        assert_eq!(read(" "), [pair("", "")]);
    }
}
