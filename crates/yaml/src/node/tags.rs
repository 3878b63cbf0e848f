//! Tags: the short form, and what a plain scalar is.

use crate::Tag;

const LONG: &str = "tag:yaml.org,2002:";

pub(super) fn short(tag: &str) -> String {
    tag.strip_prefix(LONG).map_or_else(|| tag.to_owned(), |name| format!("!!{name}"))
}

pub(super) fn long(tag: &str) -> String {
    tag.strip_prefix("!!").map_or_else(|| tag.to_owned(), |name| format!("{LONG}{name}"))
}

/// The tag that a plain scalar has by its value.
pub(super) fn implied(text: &str) -> &'static str {
    Tag::implied(text).name()
}

#[cfg(test)]
mod tests {
    use super::{implied, long, short};

    #[test]
    fn tags_of_plain_scalars() {
        for (text, tag) in [
            ("", "!!null"),
            ("~", "!!null"),
            ("TRUE", "!!bool"),
            ("yes", "!!str"),
            ("0x1F", "!!int"),
            ("1_000", "!!int"),
            ("1.0", "!!float"),
            ("08", "!!float"),
            (".inf", "!!float"),
            ("99999999999999999999", "!!float"),
            ("2024-01-01", "!!timestamp"),
            ("2024-01-01x", "!!str"),
            ("<<", "!!str"),
        ] {
            assert_eq!(implied(text), tag, "{text}");
        }
    }

    #[test]
    fn tags_are_short_and_long() {
        assert_eq!(short("tag:yaml.org,2002:set"), "!!set");
        assert_eq!(long("!!set"), "tag:yaml.org,2002:set");
        assert_eq!((short("!own"), long("!own")), ("!own".to_owned(), "!own".to_owned()));
    }
}
