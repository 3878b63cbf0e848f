use capstan_yaml::{Schema, emit, emit_all, read, read_documents};

use serde_json::Value;

use super::{Subject, joined};
use crate::random::Random;

pub(super) struct Yaml;

const PIECES: &[&str] = &[
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    ":",
    "-",
    "\n",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    " ",
    "  ",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "|",
    ">",
    "|-",
    "|+2",
    ">-",
    "&x ",
    "*x",
    "<<: *x",
    "!!str ",
    "!!int ",
    "!t ",
    "\"",
    "'",
    "\\n",
    "\\u00e9",
    "\\",
    "#",
    " # c",
    "---\n",
    "\n---\n",
    "...\n",
    "%YAML 1.2\n",
    "null",
    "~",
    "true",
    "yes",
    "1",
    "0x1f",
    "1e3",
    "1_0",
    ".5",
    "2024-01-01",
    "12:30",
    "é",
    "日",
    "\u{2028}",
    "\u{85}",
    "\u{feff}",
    "\u{7f}",
    "\u{1}",
    "😀",
    "\r",
    "\r\n",
    "key: value\n",
    "long words that go on and on until a writer has to think about where it folds the line they are on ",
    "@",
    "`",
    "%",
    "=",
    "<<",
];

impl Subject for Yaml {
    fn text(&self, random: &mut Random) -> String {
        joined(random, PIECES, 30)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        // Only that these end without a panic.
        let _ = read_documents(text, "f", Schema::Config);
        let _ = read_documents(text, "f", Schema::Patches);
        let Ok(values) = read(text, "f") else { return Ok(()) };
        // A key that is `<<` is written without quotes, as kustomize does, which loses it then.
        let is_fine =
            |value: &&Value| (value.is_object() || value.is_array()) && !text.contains("<<");
        for value in values.iter().filter(is_fine) {
            let written = emit(value);
            match read(&written, "f") {
                Ok(back) if back.len() == 1 && back[0] == *value => {}
                Ok(_) if has_control(&written) => {}
                Ok(back) => {
                    return Err(format!("{value} is written\n{written}and read as {back:?}"));
                }
                // What libyaml writes for a control character is not always YAML; a build refuses it.
                Err(_) if has_control(&written) => {}
                Err(error) => return Err(format!("{value} is written\n{written}: {error}")),
            }
        }
        let are_objects = values.iter().all(Value::is_object);
        let all = read(&emit_all(&values), "f");
        if are_objects && all.is_ok_and(|all| all.len() != values.len()) {
            return Err("documents got lost".to_owned());
        }
        Ok(())
    }
}

fn has_control(text: &str) -> bool {
    let is_control = |c: char| c.is_control() && c != '\n';
    // What is a line break for libyaml only is written as one, and read as a letter.
    text.chars().any(|c| is_control(c) || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'))
}
