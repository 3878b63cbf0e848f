//! What a number, a text or a null is in the end depends on how it and what it replaces are written, as in kustomize.

use capstan_build::{Options, render};
use capstan_tree::MemTree;

const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  version: '1.9'
  plain: text
  block: |
    one
  folded: >
    two
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec:
  text: 'x'
  number: 1
";

fn render_with(kustomization: &str) -> Result<String, String> {
    let tree: MemTree = [
        ("base/kustomization.yaml", kustomization),
        ("base/r.yaml", CONFIG),
        (
            "up/kustomization.yaml",
            "resources: [../base]\npatches: [{patch: '{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}'}]\n",
        ),
    ]
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .into_iter()
    .collect();
    render(&tree, "up", Options::KUSTOMIZE).map_err(|error| error.to_string())
}

fn section<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).expect("the section begins");
    rest.split_once(to).map_or(rest, |(section, _)| section)
}

#[test]
fn a_merged_number_is_written_as_what_it_replaces() {
    let built = render_with(
        "resources: [r.yaml]
patches:
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: c}
    data:
      version: 1.10
      plain: 1.10
      block: 0x10
      folded: \"x\\n\\n\"
",
    );
    let built = built.expect("builds");
    let expected =
        "  block: \"0x10\"\n  folded: |+\n    x\n\n\n  plain: 1.1\n  version: \"1.10\"\n";
    assert_eq!(section(&built, "data:\n", "kind:"), expected);
}

#[test]
fn a_replacement_copies_the_text() {
    let with = |fields: &str| {
        render_with(&format!(
            "resources: [r.yaml]
patches: [{{patch: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{plain: 1.20}}}}'}}]
replacements:
- source: {{kind: ConfigMap, fieldPath: data.plain}}
  targets:
  - select: {{kind: Widget}}
    fieldPaths: [{fields}]
    options: {{create: true}}
"
        ))
    };
    // What is made says no type; the patch of the layer above puts it in quotes.
    let built = with("spec.text, spec.made").expect("builds");
    let expected = "  made: \"1.20\"\n  number: 1\n  text: \"1.20\"\n";
    assert_eq!(section(&built, "spec:\n", "---"), expected);
    let error = with("spec.number").expect_err("no integer");
    assert!(error.contains("cannot decode !!float `1.20` as a !!int"), "{error}");
}
