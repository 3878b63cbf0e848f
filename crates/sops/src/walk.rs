//! Decrypts the values of a document where they stand.

use crate::cipher::DataKey;
use crate::document::{Branch, Comment, Key, Value};
use crate::error::SopsError;
use crate::rules::Rule;

/// Levels of maps and lists; real files have a few.
pub(crate) const MOST_LEVELS: usize = 256;
/// Bytes of the keys that lead to a value. Each value is bound to all of them, so they cost as often as there are values.
const MOST_PATH: usize = 16 << 10;

/// Decrypts what the rule says, in a document.
///
/// # Errors
/// The first value that does not decrypt, or that is none of SOPS's. The document is then in no useful state.
pub(crate) fn decrypt(branch: &mut Branch, key: &DataKey, rule: &Rule) -> Result<(), SopsError> {
    Walk { key, rule, path: Vec::new(), chosen: Vec::new() }.branch(branch, Chosen::default())
}

/// What chose the values that are walked over, by the file's rule.
#[derive(Clone, Copy, Default)]
struct Chosen {
    by_key: bool,
    /// How many maps and lists are entered.
    level: usize,
}

struct Walk<'a> {
    key: &'a DataKey,
    rule: &'a Rule,
    path: Vec<String>,
    /// For each map and list that is entered: did a comment choose what comes next in it?
    chosen: Vec<bool>,
}

impl Walk<'_> {
    fn branch(&mut self, branch: &mut Branch, chosen: Chosen) -> Result<(), SopsError> {
        self.chosen.push(false);
        for entry in branch {
            match &mut entry.key {
                Key::Comment(comment) => self.comment(comment, chosen),
                Key::Text(key) => {
                    let by_key = chosen.by_key || self.rule.chooses_key(key);
                    self.path.push(key.clone());
                    self.value(&mut entry.value, Chosen { by_key, ..chosen })?;
                    self.path.pop();
                    self.choose(false);
                }
            }
        }
        self.chosen.pop();
        Ok(())
    }

    fn value(&mut self, value: &mut Value, chosen: Chosen) -> Result<(), SopsError> {
        let below = Chosen { level: chosen.level + 1, ..chosen };
        if below.level > MOST_LEVELS {
            return Err(self.fault("it is nested too deeply"));
        }
        match value {
            Value::Null => Ok(()),
            Value::Map(branch) => self.branch(branch, below),
            Value::List(items) => {
                self.chosen.push(false);
                for item in items {
                    if let Value::Comment(comment) = item {
                        self.comment(comment, below);
                    } else {
                        self.value(item, below)?;
                        self.choose(false);
                    }
                }
                self.chosen.pop();
                Ok(())
            }
            leaf => self.leaf(leaf, chosen),
        }
    }

    fn leaf(&self, value: &mut Value, chosen: Chosen) -> Result<(), SopsError> {
        if !self.is_encrypted(chosen) {
            return Ok(());
        }
        let why = match value {
            Value::Text(text) => match self.decrypt(text) {
                Ok(plain) => {
                    *value = plain;
                    return Ok(());
                }
                Err(why) => why,
            },
            Value::Int(_) => "Expected encrypted value as string, but got int",
            Value::Float(_) => "Expected encrypted value as string, but got float",
            Value::Bool(_) => "Expected encrypted value as string, but got bool",
            _ => "Expected encrypted value as string",
        };
        Err(self.fault(why))
    }

    /// A comment that does not decrypt was never encrypted: old versions of SOPS left them.
    fn comment(&mut self, comment: &mut Comment, chosen: Chosen) {
        let chooses = self.rule.chooses_comment(&comment.text);
        if chooses && self.rule.chooses_itself() {
            self.choose(true);
        }
        let plain = match self.is_encrypted(chosen) {
            true => self.decrypt(&comment.text),
            false => Ok(Value::Null),
        };
        if chooses {
            self.choose(true);
        }
        match plain {
            Ok(Value::Comment(plain)) => *comment = plain,
            Ok(Value::Text(text)) => comment.text = text,
            _ => {}
        }
    }

    fn decrypt(&self, text: &[u8]) -> Result<Value, &'static str> {
        match self.path.iter().map(String::len).sum::<usize>() {
            0..=MOST_PATH => self.key.decrypt(text, &self.path),
            _ => Err("the keys that lead to it are too long"),
        }
    }

    fn is_encrypted(&self, chosen: Chosen) -> bool {
        self.rule.encrypts(chosen.by_key || self.chosen.contains(&true))
    }

    /// Says whether a comment chose what comes next.
    fn choose(&mut self, is_chosen: bool) {
        if let Some(chosen) = self.chosen.last_mut() {
            *chosen = is_chosen;
        }
    }

    fn fault(&self, why: &'static str) -> SopsError {
        let path: String = self.path.join(".").chars().take(200).collect();
        SopsError::Value { path, why }
    }
}
