//! The suffix that names a generated object by its content.

use std::collections::BTreeMap;

use capstan_yaml::{Comments, Node, NodeKind, NodeStyle, Value};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::json::{compact, html_escaped, with_floats};
use crate::resource::Resource;
use crate::resources::Resources;

/// Characters of the suffix.
const LENGTH: usize = 10;

/// Adds the suffix to every generated object that asks for it.
pub(crate) fn add_suffixes(resources: &mut Resources) {
    for resource in resources.iter_mut().filter(|r| r.needs_hash) {
        let name = format!("{}-{}", resource.name(), suffix(resource));
        resource.remember_id();
        resource.set_name(&name);
    }
}

/// The first characters of the digest of what an object holds.
pub(crate) fn suffix(resource: &Resource) -> String {
    shorten(&input(resource))
}

/// What is digested: the data for ConfigMaps and Secrets, else everything.
pub(crate) fn input(resource: &Resource) -> String {
    let field = |name: &str| resource.value.get(name).filter(|v| !v.is_null());
    let json = |value: &Value| value.to_json().unwrap_or_default();
    let or_empty = |name: &str| field(name).map_or_else(|| "".into(), json);
    let kind = resource.text("/kind");
    let mut input = Map::new();
    input.insert("kind".to_owned(), kind.into());
    // The name has no part in it, but its key has.
    input.insert("name".to_owned(), "".into());
    input.insert("data".to_owned(), or_empty("data"));
    let (extra, whole) = match kind {
        "ConfigMap" => ("binaryData", false),
        "Secret" => ("stringData", false),
        _ => ("", true),
    };
    if whole {
        return compact(&json(&resource.value));
    }
    if kind == "Secret" {
        input.insert("type".to_owned(), or_empty("type"));
    }
    if let Some(value) = field(extra) {
        input.insert(extra.to_owned(), json(value));
    }
    let mut input = json!(input);
    with_floats(&mut input);
    compact(&input)
}

/// The suffix of an object that is neither a ConfigMap nor a Secret, of its text: kustomize digests its tree of nodes,
/// comments and places included, as Go writes it in JSON.
pub(crate) fn of_node(document: &Node) -> String {
    let mut anchors = BTreeMap::new();
    let json = document.content.first().map(|node| node_json(node, &mut anchors));
    shorten(&html_escaped(&json.unwrap_or_default()))
}

/// A node as go-yaml's struct: its fields in their order.
fn node_json(node: &Node, anchors: &mut BTreeMap<String, String>) -> String {
    let kind = match node.kind {
        NodeKind::Document => 1,
        NodeKind::Sequence => 2,
        NodeKind::Mapping => 4,
        NodeKind::Scalar => 8,
        NodeKind::Alias => 16,
    };
    let style = match node.style {
        NodeStyle::Plain => 0,
        NodeStyle::Double => 2,
        NodeStyle::Single => 4,
        NodeStyle::Literal => 8,
        NodeStyle::Folded => 16,
        NodeStyle::Flow => 32,
    } + i32::from(node.is_tagged);
    let text = |text: &str| Json::from(text).to_string();
    let content: Vec<String> = node.content.iter().map(|node| node_json(node, anchors)).collect();
    let content = match content.is_empty() {
        true => "null".to_owned(),
        false => format!("[{}]", content.join(",")),
    };
    let is_alias = node.kind == NodeKind::Alias;
    let alias = anchors.get(&node.value).filter(|_| is_alias).map_or("null", String::as_str);
    let Comments { head, line, foot } = &node.comments;
    let json = format!(
        r#"{{"Kind":{kind},"Style":{style},"Tag":{},"Value":{},"Anchor":{},"Alias":{alias},"Content":{content},"HeadComment":{},"LineComment":{},"FootComment":{},"Line":{},"Column":{}}}"#,
        text(&node.tag),
        text(&node.value),
        text(&node.anchor),
        text(head),
        text(line),
        text(foot),
        node.line,
        node.column,
    );
    if !node.anchor.is_empty() {
        anchors.insert(node.anchor.clone(), json.clone());
    }
    json
}

/// The first characters of the digest, spelt without vowels and look-alikes.
fn shorten(json: &str) -> String {
    let digest = Sha256::digest(json);
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spell = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        c => c,
    };
    hex.chars().take(LENGTH).map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::suffix;
    use crate::error::Place;
    use crate::parts::hash_text;
    use crate::resource::Resource;
    use serde_json::json;

    #[test]
    fn suffixes_of_kustomize() {
        for (value, expected) in [
            (json!({"apiVersion": "v1", "kind": "ConfigMap"}), "6ct58987ht"),
            (json!({"apiVersion": "v1", "kind": "Secret", "type": "my-type"}), "5gmgkf8578"),
            (
                json!({"apiVersion": "v1", "kind": "Secret", "type": "my-type", "data": {"one": ""}}),
                "74bd68bm66",
            ),
        ] {
            assert_eq!(suffix(&Resource::new(value.into(), Place::default())), expected);
        }
    }

    #[test]
    fn other_objects_count_with_their_places() {
        let text = "\napiVersion: test/v1\nkind: TestResource\nmetadata:\n  name: my-resource";
        assert_eq!(hash_text(text).expect("valid"), "244782mkb7");
        assert_ne!(hash_text(&format!("{text} # why")).expect("valid"), "244782mkb7");
        let text = "a: &x {b: \"<\"}\nc: *x\n";
        assert_eq!(hash_text(text).expect("valid"), "5dt76dthg4");
        assert!(hash_text("").is_err() && hash_text("a: [").is_err());
    }
}
