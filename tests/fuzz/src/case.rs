use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_tree::MemTree;
use serde_json::{Map, Value, json};

use crate::node::Node;
use crate::write::{self, Style};

/// A file of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// YAML documents.
    Yaml { documents: Vec<Node>, style: Style },
    /// Anything else.
    Bytes(Vec<u8>),
}

impl File {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Yaml { documents, style } => write::documents(documents, style).into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// A tree, and the directory that is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) path: String,
    /// Objects come in kustomize's old order of kinds.
    pub(crate) legacy: bool,
}

/// What came of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The text that it printed.
    Built(String),
    /// It said that something is wrong.
    Failed(String),
    /// It panicked, which is never right.
    Panicked(String),
}

impl Outcome {
    /// Is it as good as the other? Errors are compared by being there.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Built(a), Self::Built(b)) => a == b,
            (Self::Failed(_), Self::Failed(_)) => true,
            _ => false,
        }
    }

    /// The first word about a pair that does not agree: two pairs of one sort may have one cause.
    pub(crate) fn sort(&self, theirs: &Self) -> (u8, u8) {
        let number = |outcome: &Self| match outcome {
            Self::Built(_) => 0,
            Self::Failed(_) => 1,
            Self::Panicked(_) => 2,
        };
        (number(self), number(theirs))
    }
}

impl Case {
    pub(crate) fn tree(&self) -> MemTree {
        self.files.iter().map(|(path, file)| (path.clone(), file.bytes())).collect()
    }

    /// The line for the server of builds.
    pub(crate) fn request(&self) -> Value {
        let files: Map<String, Value> = self
            .files
            .iter()
            .map(|(path, file)| (path.clone(), Value::from(STANDARD.encode(file.bytes()))))
            .collect();
        json!({"files": files, "path": self.path, "legacy": self.legacy})
    }

    /// The line of a suite of recorded cases.
    pub(crate) fn record(&self, name: &str, theirs: &Outcome) -> Value {
        let mut texts = Map::new();
        let mut binary = Map::new();
        for (path, file) in &self.files {
            match String::from_utf8(file.bytes()) {
                Ok(text) => texts.insert(path.clone(), Value::from(text)),
                Err(error) => {
                    binary.insert(path.clone(), Value::from(STANDARD.encode(error.as_bytes())))
                }
            };
        }
        let (expected, error, text) = match theirs {
            Outcome::Built(text) => (Value::from(text.as_str()), Value::Null, Value::Null),
            Outcome::Failed(text) | Outcome::Panicked(text) => {
                (Value::Null, Value::from("any"), Value::from(text.as_str()))
            }
        };
        let mut record = json!({
            "name": name,
            "files": texts,
            "path": if self.path.is_empty() { "." } else { &self.path },
            "expected": expected,
            "error": error,
            "options": if self.legacy { json!({"reorder": "legacy"}) } else { json!({}) },
            "v5.8.1": "agree",
        });
        if !binary.is_empty() {
            record["filesBase64"] = Value::Object(binary);
        }
        if !text.is_null() {
            record["errorText"] = text;
        }
        record
    }
}
