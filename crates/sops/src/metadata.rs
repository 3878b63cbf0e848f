//! The metadata of a file: what encrypted its data key, and which values are encrypted.

use std::collections::BTreeMap;

use crate::document::{Branch, Entry, Value};
use crate::rules::{Rule, text};
use crate::service::AwsKmsKey;

/// Keys in one file; a company that lists all its people has fewer.
const MOST_KEYS: usize = 1000;

/// What is said under `sops`.
pub(crate) struct Metadata {
    pub(crate) groups: Vec<Vec<MasterKey>>,
    pub(crate) threshold: usize,
    pub(crate) rule: Rule,
}

/// Something that encrypted the data key, or a part of it, and what came of it.
pub(crate) struct MasterKey {
    pub(crate) kind: MasterKind,
    pub(crate) encrypted: String,
}

/// What can encrypt a data key.
pub(crate) enum MasterKind {
    AwsKms(AwsKmsKey),
    /// What this program cannot use: what it is, and its name.
    Foreign(&'static str, String),
    Pgp(String),
    Age(String),
}

impl MasterKind {
    /// The name of the key in messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::AwsKms(key) => &key.arn,
            Self::Foreign(_, name) | Self::Pgp(name) | Self::Age(name) => name,
        }
    }

    /// Which comes first: age, PGP, then what stands first.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Age(_) => 0,
            Self::Pgp(_) => 1,
            Self::AwsKms(_) | Self::Foreign(..) => 2,
        }
    }
}

/// Services whose keys are not used, with the fields that name one.
const FOREIGN: [(&str, &str, &[&str]); 4] = [
    ("gcp_kms", "Google Cloud KMS", &["resource_id"]),
    ("hckms", "Huawei Cloud KMS", &["key_id"]),
    ("azure_kv", "Azure Key Vault", &["vault_url", "name", "version"]),
    ("hc_vault", "HashiCorp Vault", &["vault_address", "engine_path", "key_name"]),
];

impl Metadata {
    /// Reads the metadata.
    ///
    /// # Errors
    /// What is missing or wrong in it.
    pub(crate) fn read(branch: Branch) -> Result<Self, String> {
        let value = Value::Map(branch);
        let mut groups = vec![group(&value)];
        if groups[0].is_empty() {
            groups =
                value.get("key_groups").into_iter().flat_map(Value::items).map(group).collect();
        }
        if groups.is_empty() {
            return Err("No keys found in file".to_owned());
        }
        let count: usize = groups.iter().map(Vec::len).sum();
        if count > MOST_KEYS || groups.len() > MOST_KEYS {
            return Err(format!(
                "it names {count} keys in {} groups; at most {MOST_KEYS} are tried",
                groups.len()
            ));
        }
        let threshold = number(&value, "shamir_threshold")?;
        Ok(Self { groups, threshold, rule: Rule::of(&value)? })
    }
}

fn number(metadata: &Value, field: &str) -> Result<usize, String> {
    let read = match metadata.get(field) {
        None | Some(Value::Null) => Some(0),
        Some(Value::Int(number)) => usize::try_from(*number).ok(),
        Some(Value::Text(text)) if text.is_empty() => Some(0),
        Some(Value::Text(text)) => str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
        Some(_) => None,
    };
    read.ok_or_else(|| format!("`{field}` is no number"))
}

fn group(value: &Value) -> Vec<MasterKey> {
    let mut keys = Vec::new();
    let mut add = |field: &str, kind: &dyn Fn(&Value) -> MasterKind| {
        for item in value.get(field).into_iter().flat_map(Value::items) {
            keys.push(MasterKey { kind: kind(item), encrypted: field_of(item, "enc") });
        }
    };
    add("kms", &|item| {
        MasterKind::AwsKms(AwsKmsKey {
            arn: field_of(item, "arn"),
            role: field_of(item, "role"),
            context: context(item),
        })
    });
    for (field, what, names) in FOREIGN {
        add(field, &|item| {
            let names: Vec<_> = names.iter().map(|name| field_of(item, name)).collect();
            MasterKind::Foreign(what, names.join("/"))
        });
    }
    add("pgp", &|item| MasterKind::Pgp(field_of(item, "fp")));
    add("age", &|item| MasterKind::Age(field_of(item, "recipient")));
    keys
}

fn field_of(item: &Value, field: &str) -> String {
    item.get(field).and_then(text).unwrap_or_default()
}

fn context(item: &Value) -> BTreeMap<String, String> {
    let Some(Value::Map(branch)) = item.get("context") else { return BTreeMap::new() };
    let pairs = branch.iter().filter_map(Entry::pair);
    pairs.map(|(key, value)| (key.to_owned(), text(value).unwrap_or_default())).collect()
}
