use std::collections::{BTreeMap, HashMap};

use capstan_api::flux::{ArtifactGeneratorSpec, OutputArtifact};
use capstan_tree::{EntryKind, Tree, join};
use regex::Regex;

use crate::copy::Sources;
use crate::{GenerateError, validate};

/// An artifact that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its name, and the rules that make it.
    pub artifact: OutputArtifact,
    /// Labels of the object that describes it: what the pattern captured.
    pub labels: BTreeMap<String, String>,
}

/// The artifacts of a generator: those of its spec, or with a `pathPattern` those for each directory that matches it.
///
/// # Errors
/// [`GenerateError::Spec`]: only an edit of the spec or of the source helps.
pub fn wanted(
    spec: &ArtifactGeneratorSpec,
    sources: &Sources<'_>,
) -> Result<Vec<Wanted>, GenerateError> {
    validate(spec)?;
    let Some(pattern) = spec.path_pattern.as_deref().filter(|pattern| !pattern.is_empty()) else {
        let plain = |artifact: &OutputArtifact| Wanted {
            artifact: artifact.clone(),
            labels: BTreeMap::new(),
        };
        return Ok(spec.artifacts.iter().map(plain).collect());
    };
    let refuse = |why: String| GenerateError::Spec(format!("pathPattern \"{pattern}\": {why}"));
    let parts = pattern.strip_prefix('@').and_then(|rest| rest.split_once('/'));
    let (alias, path) = parts.ok_or_else(|| refuse("it must be '@<alias>/<path>'".to_owned()))?;
    let tree =
        sources.get(alias).ok_or_else(|| refuse(format!("source alias {alias} not found")))?;
    let matcher = matcher(path).map_err(refuse)?;
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut wanted = Vec::new();
    for directory in directories(*tree).map_err(refuse)? {
        let Some(found) = matcher.captures(&directory) else { continue };
        let names = matcher.capture_names().flatten();
        let raw: BTreeMap<String, String> =
            names.map(|name| (name.to_owned(), found[name].to_owned())).collect();
        let lower: BTreeMap<String, String> =
            raw.iter().map(|(name, value)| (name.clone(), value.to_lowercase())).collect();
        if let Some((name, value)) = lower.iter().find(|(_, value)| !is_label_value(value)) {
            return Err(refuse(format!(
                "captured value \"{value}\" for variable \"{name}\" is not a valid Kubernetes label value"
            )));
        }
        for artifact in &spec.artifacts {
            let artifact = rendered(artifact, &lower, &raw).map_err(refuse)?;
            let name = artifact.name.clone();
            if !is_object_name(&name) {
                return Err(refuse(format!(
                    "rendered artifact name \"{name}\" is not a valid Kubernetes object name"
                )));
            }
            if let Some(other) = seen.insert(name.clone(), directory.clone()) {
                return Err(refuse(format!(
                    "directories \"{other}\" and \"{directory}\" both resolve to artifact name \"{name}\""
                )));
            }
            wanted.push(Wanted { artifact, labels: lower.clone() });
        }
    }
    Ok(wanted)
}

/// `apps/{app}` as a regular expression over directories.
fn matcher(path: &str) -> Result<Regex, String> {
    let mut expression = String::from("^");
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        expression.push_str(&regex::escape(before));
        if !rest[before.len()..].starts_with('{') {
            return Err("a capture has no opening brace".to_owned());
        }
        let (name, after) =
            after.split_once('}').ok_or_else(|| "a capture has no closing brace".to_owned())?;
        if !is_capture(name) {
            return Err(format!(
                "capture variable \"{name}\" must be a valid capture name matching [A-Za-z_][A-Za-z0-9_]*"
            ));
        }
        if names.contains(&name) {
            return Err(format!("duplicate capture variable \"{name}\""));
        }
        names.push(name);
        expression.push_str(&format!("(?P<{name}>[^/]+)"));
        rest = after;
    }
    expression.push_str(&regex::escape(rest));
    expression.push('$');
    Regex::new(&expression).map_err(|_| "it is too long".to_owned())
}

/// All directories of a tree, in order, apart from its root.
fn directories(tree: &dyn Tree) -> Result<Vec<String>, String> {
    let mut open = vec![String::new()];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        let entries = tree.list(&directory).map_err(|error| error.to_string())?;
        for entry in entries.iter().rev().filter(|entry| entry.kind == EntryKind::Dir) {
            open.push(join(&directory, &entry.name).map_err(|error| error.to_string())?);
        }
        if !directory.is_empty() {
            found.push(directory);
        }
    }
    Ok(found)
}

fn rendered(
    artifact: &OutputArtifact,
    lower: &BTreeMap<String, String>,
    raw: &BTreeMap<String, String>,
) -> Result<OutputArtifact, String> {
    let mut artifact = artifact.clone();
    artifact.name = filled(&artifact.name, lower)?;
    for copy in &mut artifact.copy {
        copy.from = filled(&copy.from, raw)?;
        copy.to = filled(&copy.to, raw)?;
    }
    Ok(artifact)
}

/// A text with its captures filled in.
fn filled(text: &str, captures: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        out.push_str(before);
        let name = after.split_once('}').filter(|_| rest[before.len()..].starts_with('{'));
        let (name, after) = name.ok_or_else(|| format!("invalid template \"{text}\""))?;
        out.push_str(captures.get(name).ok_or_else(|| {
            format!("capture variable \"{name}\" of \"{text}\" is not defined by pathPattern")
        })?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_capture(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.bytes().all(word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn is_label_value(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let end = |c: char| c.is_ascii_alphanumeric();
    value.is_empty()
        || (value.len() <= 63
            && value.bytes().all(plain)
            && value.starts_with(end)
            && value.ends_with(end))
}

fn is_object_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(plain)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    !name.is_empty() && name.len() <= 253 && name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::{Sources, wanted};
    use capstan_api::flux::ArtifactGeneratorSpec;
    use capstan_tree::MemTree;
    use serde_json::json;

    fn of(pattern: &str, name: &str) -> Result<Vec<(String, String)>, String> {
        let files = ["apps/Web/env/prod/x", "apps/web/env/dev/x", "apps/api/env/dev/x", "other/x"];
        let tree: MemTree = files.map(|path| (path.to_owned(), Vec::new())).into_iter().collect();
        let spec: ArtifactGeneratorSpec = serde_json::from_value(json!({
            "sources": [{"alias": "git", "kind": "GitRepository", "name": "g"}], "pathPattern": pattern,
            "artifacts": [{"name": name, "copy": [{"from": "@git/apps/{app}/**", "to": "@artifact/"}]}]}))
        .expect("a spec");
        let sources = Sources::from([("git", &tree as _)]);
        let found = wanted(&spec, &sources).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|w| (w.artifact.name, w.artifact.copy[0].from.clone())).collect())
    }

    #[test]
    fn each_directory_that_matches_has_its_artifact() {
        let found = of("@git/apps/{app}/env/{env}", "{app}-{env}").expect("a pattern");
        let names: Vec<_> = found.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["web-prod", "api-dev", "web-dev"]);
        assert_eq!(found[0].1, "@git/apps/Web/**", "paths keep their case");
        assert_eq!(of("@git/nothing/{app}", "{app}"), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let says = |pattern, name| of(pattern, name).expect_err(pattern);
        assert!(says("@git/apps/{app}", "{app}").contains("both resolve to artifact name \"web\""));
        assert!(says("@git/{app}/{app}", "{app}").contains("duplicate capture"));
        assert!(says("@git/{1}", "x").contains("valid capture name"));
        assert!(says("@git/{app", "x").contains("closing brace"));
        assert!(says("@git/app}", "x").contains("opening brace"));
        assert!(says("@none/{app}", "x").contains("alias none not found"));
        assert!(says("@git/apps/{app}", "{env}").contains("not defined"));
        assert!(says("@git/apps/{app}", "{app}_").contains("not a valid Kubernetes object name"));
    }
}
