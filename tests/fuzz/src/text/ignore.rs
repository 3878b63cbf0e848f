use capstan_tree::Ignore as Rules;

use super::{Subject, joined};
use crate::random::Random;

pub(super) struct Ignore;

const PIECES: &[&str] = &[
    "a", "b", "dir", ".yaml", "/", "/", "*", "**", "**/", "/**", "?", "!", "#", "\\", " ", "\t",
    "[a-c]", "[!a]", "[", "]", "\n", "\n", "\n", "\r\n", "é", ".", "..",
];
const PATHS: &[&str] =
    &["a", "b", "dir", "dir/a", "dir/b.yaml", "dir/dir/a", "a.yaml", "é", "dir/é", ".a", "a b"];

impl Subject for Ignore {
    fn text(&self, random: &mut Random) -> String {
        joined(random, PIECES, 24)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        let rules = Rules::new(text.lines());
        let padded = Rules::new(text.lines().flat_map(|line| ["# comment", "", line]));
        let all = Rules::new(text.lines().chain(["*"]));
        for path in PATHS {
            for is_dir in [false, true] {
                if rules.matches(path, is_dir) != padded.matches(path, is_dir) {
                    return Err(format!("comments change what happens to {path}"));
                }
                if !all.matches(path, is_dir) {
                    return Err(format!("a last `*` leaves {path}"));
                }
            }
        }
        Ok(())
    }
}
