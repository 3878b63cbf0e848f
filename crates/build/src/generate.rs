//! ConfigMaps and Secrets made from literals and files.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_yaml::{Map, Value, set_field};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::decode::{Mode, decode};
use crate::error::BuildError;
use crate::kustomization::{Kustomization, Placed};
use crate::load::Loader;
use crate::origin::Origin;
use crate::resource::Resource;
use crate::resources::Resources;

/// Characters of base64 in a line, as kustomize breaks it.
const LINE: usize = 70;

/// What a generated object does with one of the same name from a lower layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

/// What nobody knows counts as not given, as in kustomize.
impl From<String> for Behavior {
    fn from(text: String) -> Self {
        match text.as_str() {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }
}

/// `configMapGenerator[]` and `secretGenerator[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Generator {
    name: String,
    namespace: String,
    behavior: Behavior,
    literals: Vec<String>,
    files: Vec<String>,
    envs: Vec<String>,
    env: String,
    options: GeneratorOptions,
    #[serde(rename = "type")]
    secret_type: String,
}

/// `generatorOptions`, of a layer or of one generator.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct GeneratorOptions {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    disable_name_suffix_hash: bool,
    immutable: bool,
}

impl GeneratorOptions {
    /// As a kustomization has them, without what is not set.
    pub(crate) fn to_value(&self) -> Json {
        let mut map = serde_json::Map::new();
        for (key, pairs) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !pairs.is_empty() {
                map.insert(key.to_owned(), json!(pairs));
            }
        }
        let flags = [
            ("disableNameSuffixHash", self.disable_name_suffix_hash),
            ("immutable", self.immutable),
        ];
        for (key, _) in flags.into_iter().filter(|(_, set)| *set) {
            map.insert(key.to_owned(), true.into());
        }
        Json::Object(map)
    }

    /// The options of one generator over those of its layer.
    pub(crate) fn over(&self, layer: &Self) -> Self {
        let merged = |own: &BTreeMap<String, String>, outer: &BTreeMap<String, String>| {
            outer.iter().chain(own).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        Self {
            labels: merged(&self.labels, &layer.labels),
            annotations: merged(&self.annotations, &layer.annotations),
            disable_name_suffix_hash: self.disable_name_suffix_hash
                || layer.disable_name_suffix_hash,
            immutable: self.immutable || layer.immutable,
        }
    }
}

/// What a generator makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Generator {
    /// The generator that a plugin's object configures; its metadata stands in for what is missing.
    pub(crate) fn of_plugin(
        config: &Value,
        name: &str,
        namespace: &str,
    ) -> Result<Self, BuildError> {
        let mut config = config.to_json().map_err(BuildError::new)?;
        if let Json::Object(map) = &mut config {
            for field in ["apiVersion", "kind", "metadata", "env"] {
                map.remove(field);
            }
        }
        let mut generator = decode::<Self>(&config, Mode::Embedded)
            .map_err(|error| BuildError::new(error.to_string()))?;
        if generator.name.is_empty() {
            name.clone_into(&mut generator.name);
        }
        if generator.namespace.is_empty() {
            namespace.clone_into(&mut generator.namespace);
        }
        Ok(generator)
    }
}

/// Runs the generators of one layer.
pub(crate) fn run(
    loader: &Loader<'_>,
    directory: &str,
    layer: &Kustomization,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let config_maps = layer.config_maps.iter().map(|g| (Kind::ConfigMap, g));
    let secrets = layer.secrets.iter().map(|g| (Kind::Secret, g));
    BuildError::gather(config_maps.chain(secrets).map(|(kind, generator)| {
        let options = Some(&layer.generator_options);
        let mut made = one(loader, directory, kind, generator, options)?;
        let plugin = if kind == Kind::Secret { "SecretGenerator" } else { "ConfigMapGenerator" };
        loader.note(&mut made, Origin::builtin(layer, plugin));
        resources.absorb(made)
    }))
}

/// Runs one generator, under the options of its layer.
pub(crate) fn one(
    loader: &Loader<'_>,
    directory: &str,
    kind: Kind,
    generator: &Placed<Generator>,
    options: Option<&GeneratorOptions>,
) -> Result<Resource, BuildError> {
    let own = &generator.value.options;
    let options = options.map_or_else(|| own.clone(), |layer| own.over(layer));
    object(loader, directory, kind, generator, &options).map_err(|error| error.at(&generator.place))
}

fn object(
    loader: &Loader<'_>,
    directory: &str,
    kind: Kind,
    placed: &Placed<Generator>,
    options: &GeneratorOptions,
) -> Result<Resource, BuildError> {
    let generator = &placed.value;
    if generator.name.is_empty() {
        return Err(BuildError::new("a generator needs a `name`"));
    }
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), generator.name.as_str().into());
    if !generator.namespace.is_empty() {
        metadata.insert("namespace".to_owned(), generator.namespace.as_str().into());
    }
    for (field, entries) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if !entries.is_empty() {
            let mut map = Map::new();
            entries.iter().for_each(|(key, text)| set_field(&mut map, key, text.as_str().into()));
            metadata.insert(field.to_owned(), map.into());
        }
    }
    let mut root = Map::new();
    root.insert("apiVersion".to_owned(), "v1".into());
    root.insert("metadata".to_owned(), Value::Object(metadata));
    match kind {
        Kind::ConfigMap => root.insert("kind".to_owned(), "ConfigMap".into()),
        Kind::Secret => {
            let default =
                if generator.secret_type.is_empty() { "Opaque" } else { &generator.secret_type };
            root.insert("type".to_owned(), default.into());
            root.insert("kind".to_owned(), "Secret".into())
        }
    };
    if options.immutable {
        root.insert("immutable".to_owned(), true.into());
    }
    if kind == Kind::Secret {
        root.insert("data".to_owned(), Value::map());
    }
    for (key, content) in pairs(loader, directory, generator)? {
        let (field, text) = match (kind, String::from_utf8(content)) {
            (Kind::ConfigMap, Ok(text)) => ("data", text),
            (Kind::ConfigMap, Err(binary)) => ("binaryData", base64(binary.as_bytes())),
            (Kind::Secret, Ok(text)) => ("data", base64(text.as_bytes())),
            (Kind::Secret, Err(binary)) => ("data", base64(binary.as_bytes())),
        };
        let data = root.entry(field.to_owned()).or_insert_with(Value::map);
        if let Value::Object(data) = data {
            set_field(data, &key, text.into());
        }
    }
    let mut resource = Resource::new(Value::Object(root), placed.place.clone());
    resource.behavior = generator.behavior;
    resource.needs_hash = !options.disable_name_suffix_hash;
    Ok(resource)
}

type Pairs = BTreeMap<String, Vec<u8>>;

fn pairs(loader: &Loader<'_>, directory: &str, generator: &Generator) -> Result<Pairs, BuildError> {
    let mut pairs = Pairs::new();
    for literal in &generator.literals {
        let (key, value) =
            literal.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                BuildError::new("invalid literal").hint("a literal is written `key=value`")
            })?;
        add(&mut pairs, key, unquoted(value).as_bytes().to_vec())?;
    }
    for file in &generator.files {
        let (key, path) = file_source(file)?;
        add(&mut pairs, &key, loader.read(directory, &path)?)?;
    }
    let envs = generator.envs.iter().chain((!generator.env.is_empty()).then_some(&generator.env));
    for env in envs {
        let content = loader.read(directory, env)?;
        let text = String::from_utf8(content)
            .map_err(|_| BuildError::new(format!("`{env}` is not UTF-8 text")))?;
        for (key, value) in env_lines(&text) {
            add(&mut pairs, key, value.as_bytes().to_vec())?;
        }
    }
    Ok(pairs)
}

/// The text without one pair of equal quotes around it.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn add(pairs: &mut Pairs, key: &str, value: Vec<u8>) -> Result<(), BuildError> {
    if key.is_empty() {
        return Err(BuildError::new("a key is empty"));
    }
    match pairs.insert(key.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(BuildError::new(format!("key `{key}` is given twice"))),
    }
}

/// `path` or `key=path`; without a key, the file's name is the key.
pub(crate) fn file_source(source: &str) -> Result<(String, String), BuildError> {
    let bad = |message: String| {
        BuildError::new(format!("{message} in source \"{source}\""))
            .hint("a file is named by its path, or as `key=path`")
    };
    match source.split('=').collect::<Vec<_>>().as_slice() {
        [path] => Ok((path.rsplit('/').next().unwrap_or(path).to_owned(), (*path).to_owned())),
        ["", path] => Err(bad(format!("missing key name for file path \"{path}\""))),
        [key, ""] => Err(bad(format!("missing file path for key name \"{key}\""))),
        [key, path] => Ok(((*key).to_owned(), (*path).to_owned())),
        _ => Err(bad("key names or file paths cannot contain '='".to_owned())),
    }
}

/// `key=value` lines; comments, empty lines and lines without a key are skipped. A key alone would take its value from
/// the environment of the process, which a build has none of: it is empty.
pub(crate) fn env_lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .map(|line| line.trim_end_matches('\r').trim_start())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .filter(|(key, _)| !key.is_empty())
}

/// Base64 in lines of 70 characters when it needs more than one.
fn base64(content: &[u8]) -> String {
    let encoded = STANDARD.encode(content);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    for (index, c) in encoded.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            lines.push('\n');
        }
        lines.push(c);
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::{base64, env_lines, file_source};

    #[test]
    fn sources_are_taken_apart() {
        assert_eq!(file_source("a/b.txt").expect("valid"), ("b.txt".into(), "a/b.txt".into()));
        assert_eq!(file_source("k=a/b").expect("valid"), ("k".into(), "a/b".into()));
        assert!(file_source("k=").is_err() && file_source("=p").is_err());
        let lines: Vec<_> = env_lines("# c\n  a=1\r\n\nb=x=y\n=z\nalone\n").collect();
        assert_eq!(lines, [("a", "1"), ("b", "x=y"), ("alone", "")]);
    }

    #[test]
    fn long_base64_has_lines() {
        assert_eq!(base64(b"abc"), "YWJj");
        let long = base64(&[0; 60]);
        assert!(long.ends_with('\n') && long.lines().all(|l| l.len() <= 70));
        assert_eq!(long.lines().count(), 2);
    }
}
