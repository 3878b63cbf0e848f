//! Values that readers and writers of YAML disagree about.

use crate::node::{self, Node};
use crate::random::Random;

/// Stands for any scalar in a value.
pub(crate) const ANY: &str = "@any";
/// Stands for any scalar that is a text.
pub(crate) const TEXT: &str = "@string";

const SPELLINGS: &[&str] = &[
    "0o17",
    "0x1F",
    "0b101",
    "017",
    "08",
    "1e3",
    "1E3",
    "1e+3",
    ".5",
    "5.",
    "-.5",
    "+1",
    "+1.5",
    "1_000",
    "1_0.5",
    "0",
    "-0",
    "0.0",
    "-0.0",
    "1.0",
    "1.50",
    "9223372036854775807",
    "1e22",
    "1e21",
    "123456789.123456789",
    "0.1",
    "1e-7",
    "0.000001",
    "1.5e300",
    "685_230.15",
    "190:20:30",
    "12:30",
    "12:30:45",
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "on",
    "On",
    "off",
    "OFF",
    "y",
    "Y",
    "n",
    "N",
    "true",
    "True",
    "TRUE",
    "false",
    "False",
    "~",
    "null",
    "Null",
    "NULL",
    "",
    "2024-01-01",
    "2024-1-2",
    "2024-01-01T00:00:00Z",
    "2024-01-01 10:00:00",
    "2001-12-14t21:59:43.10-05:00",
    "2024-13-01",
    "=",
    "<<",
    "--",
    "---x",
    "...x",
    "-x",
    "- x",
    "x:y",
    "a:b:c",
    "x#y",
    "\"x #y\"",
    "'x: y'",
    "'it''s'",
    "\"\"",
    "''",
    "' '",
    "\"a\\tb\"",
    "\"a\\nb\"",
    "\"a\\nb\\n\"",
    "\"\\n\"",
    "\" x\"",
    "\"x \"",
    "\"x\\n y\"",
    "\"\\u00e9\"",
    "é",
    "日本",
    "\"\\x7e\"",
    "😀",
    "\"\\U0001F600\"",
    "\"0644\"",
    "'0644'",
    "\"1e3\"",
    "\"yes\"",
    "'null'",
    "\"~\"",
    "\"back\\\\slash\"",
    "back\\slash",
    "$(VAR)",
    "${VAR}",
    "%x",
    "\"%x\"",
    "@x",
    "\"@x\"",
    "`x",
    "\"`x\"",
    "\"!x\"",
    "\"&x\"",
    "*x",
    "\"*x\"",
    "|x",
    "\">x\"",
    "1.2.3",
    "v1",
    "1.10",
    "0x",
    "0xg",
    "0o8",
    "1e",
    "e3",
    "1__0",
    "_1",
    "1_",
    "+",
    "+-1",
    "--1",
    "0x1_F",
    "0b2",
    "!!str 1",
    "!!int \"1\"",
    "!!str true",
    "!!float 1",
    "!!bool \"true\"",
    "!!str",
    "!!binary aGk=",
    "{}",
    "[]",
    "{a: 1}",
    "[1, 2]",
    "[a, [b]]",
    "{a: {b: c}}",
    "[{a: 1}]",
    "x, y",
    "a b c",
    "'a, b'",
    "{\"a\":1}",
    "[\"a\",'b']",
    "9007199254740993",
    "0.30000000000000004",
    "1e400",
    "-1e400",
    "4.9e-324",
    "0777",
    "-017",
    "+017",
    "00",
    "0_7",
    "1,000",
    "0.1e1",
    "1.e1",
    "\"\\0\"",
    "\"\\e\"",
    "\"\\x01\"",
    "\"\\u200b\"",
    "\"\\ufeff\"",
    "\"\\u0085\"",
    "\"\\_\"",
];

const BLOCKS: &[(&str, &[&str])] = &[
    ("|", &["one", "two"]),
    ("|-", &["one", "two"]),
    ("|+", &["one", "two", ""]),
    (">", &["one", "two", "", "three"]),
    (">-", &["folded text", "goes on", "", "back"]),
    ("|2", &["  lead", "none"]),
    ("|2-", &[" lead"]),
    ("|", &["trailing  ", "x"]),
    ("|", &["tab\there", "\tlead"]),
    ("|", &["", "blank first"]),
    ("|", &["#!/bin/sh", "echo \"$HOME\" # x", "exit 0"]),
    ("|", &["{", "  \"a\": [1, 2]", "}"]),
    ("|", &["a: b", "c:", "- d"]),
    ("|", &["---", "x"]),
    ("|-", &["only"]),
    ("|", &["only"]),
    ("|", &[""]),
    (
        ">",
        &[
            "a long line of many words that goes on and on until it is longer than any line that a writer would leave alone",
            "x",
        ],
    ),
    (
        "|",
        &[
            "a long line of many words that goes on and on until it is longer than any line that a writer would leave alone",
            "x",
        ],
    ),
];

const WORDS: &[&str] = &[
    "a",
    "word",
    "longer-word",
    "x:",
    "#x",
    "it's",
    "\"q\"",
    "é",
    "--flag=1",
    "1",
    "true",
    "-",
    "path/to/file",
    "",
    "'",
    "{",
    "}",
    "&",
    "日本語",
    "\\",
    "$x",
    "a,b",
    "%",
    "@",
    ":",
];

/// Puts scalars where a value leaves them open: plain words, or in every spelling.
pub(crate) fn fill(random: &mut Random, node: &mut Node, odd: bool) {
    if let Node::Scalar(text) = node {
        let any = node::double(ANY);
        if *text == any || *text == node::double(TEXT) {
            let is_any = *text == any;
            *node = scalar(random, odd, is_any);
        }
        return;
    }
    for child in node.children() {
        fill(random, child, odd);
    }
}

fn scalar(random: &mut Random, odd: bool, any: bool) -> Node {
    if !odd {
        let plain = ["one", "two", "x-y", "\"5\"", "\"true\"", "some text", "a=b"];
        return Node::Scalar(random.pick(&plain).to_owned());
    }
    match random.weighted(&[if any { 5 } else { 0 }, 3, 3, 2]) {
        0 => Node::Scalar(random.pick(SPELLINGS).to_owned()),
        1 => {
            let (header, lines) = random.pick(BLOCKS);
            Node::Block {
                header: header.to_owned(),
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            }
        }
        2 => Node::Scalar(spelled(random)),
        _ => node::literal(&lines(random)),
    }
}

/// A text of words in quotes, or without when it is safe.
fn spelled(random: &mut Random) -> String {
    let text = words(random);
    match random.below(3) {
        0 => node::spelled(&text),
        1 => node::single(&text),
        _ => node::double(&text),
    }
}

/// Words with spaces between them, often more than a line holds.
pub(crate) fn words(random: &mut Random) -> String {
    let count = if random.one_in(2) { random.below(5) } else { 10 + random.below(30) };
    let mut text = String::new();
    for at in 0..count {
        if at > 0 {
            text.push_str(random.pick(&[" ", " ", " ", " ", "  ", "-"]));
        }
        text.push_str(random.pick(WORDS));
    }
    text
}

fn lines(random: &mut Random) -> String {
    let mut text = String::new();
    for at in 0..random.below(5) {
        // kustomize cannot read what it writes when the first line begins with a tab.
        let starts = if at == 0 { &["", "", " "][..] } else { &["", "", "", " ", "  ", "\t"] };
        text.push_str(random.pick(starts));
        text.push_str(&words(random));
        text.push_str(random.pick(&["", "", "", " "]));
        text.push_str(random.pick(&["\n", "\n", "\n", "\n\n"]));
    }
    if random.one_in(2) {
        text.push_str("end");
    }
    text
}
