use capstan_subst::expand;

use super::{Subject, joined};
use crate::random::Random;

pub(super) struct Envsubst;

const PIECES: &[&str] = &[
    "$",
    "$$",
    "${",
    "}",
    "a",
    "name",
    "_",
    "x1",
    ":",
    "-",
    ":-",
    "=",
    ":=",
    ":+",
    ":?",
    "#",
    "##",
    "%",
    "%%",
    "/",
    "//",
    "^",
    "^^",
    ",",
    ",,",
    "*",
    "?",
    "[",
    "]",
    "\\",
    "\n",
    " ",
    "é",
    "0",
    "1",
    "-1",
    "99999999999999999999",
    "${name}",
    "${none:-x}",
    "${name:0:2}",
];

impl Subject for Envsubst {
    fn text(&self, random: &mut Random) -> String {
        joined(random, PIECES, 24)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        let lookup = |name: &str| match name {
            "name" => Some("a value/with.parts".to_owned()),
            "a" => Some(String::new()),
            "x1" => Some("é*?".to_owned()),
            _ => None,
        };
        let lenient = expand(text, &lookup, false);
        let strict = expand(text, &lookup, true);
        match (&lenient, &strict) {
            (Ok(lenient), Ok(strict)) if lenient != strict => {
                return Err(format!("lenient gives {lenient:?}, strict {strict:?}"));
            }
            (Err(_), Ok(strict)) => return Err(format!("only strict gives {strict:?}")),
            _ => {}
        }
        match lenient {
            Ok(out) if !text.contains('$') && out != text => Err(format!("became {out:?}")),
            _ => Ok(()),
        }
    }
}
