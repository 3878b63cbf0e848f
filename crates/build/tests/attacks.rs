//! Trees that mean harm: each is an error within bounded time, and nothing outside the tree is read.

use capstan_build::{BuildError, Options, Overlay, build, render};
use capstan_tree::MemTree;

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";

fn tree(files: &[(&str, &str)]) -> MemTree {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn refused(files: &[(&str, &str)]) -> String {
    match build(&tree(files), "a", &Overlay::default(), Options::FLUX) {
        Err(error) => error.to_string(),
        Ok(_) => {
            panic!("a build that must fail: {}", files.iter().map(|it| it.1).collect::<String>())
        }
    }
}

fn only(kustomization: &str) -> String {
    refused(&[("a/kustomization.yaml", kustomization), ("a/x.yaml", MAP)])
}

fn rendered(files: &MemTree) -> Result<String, BuildError> {
    render(files, "a", Options::FLUX)
}

#[test]
fn no_field_leads_out_of_the_tree() {
    let secret = "../../../../var/run/secrets/kubernetes.io/serviceaccount/token";
    for field in [
        "resources: [P]",
        "components: [P]",
        "crds: [P]",
        "configurations: [P]",
        "generators: [P]",
        "transformers: [P]",
        "validators: [P]",
        "openapi: {path: P}",
        "patches: [{path: P, target: {kind: ConfigMap}}]",
        "patchesStrategicMerge: [P]",
        "patchesJson6902: [{path: P, target: {version: v1, kind: ConfigMap, name: x}}]",
        "replacements: [{path: P}]",
        "configMapGenerator: [{name: m, files: [P]}]",
        "configMapGenerator: [{name: m, files: [k=P]}]",
        "configMapGenerator: [{name: m, envs: [P]}]",
        "secretGenerator: [{name: m, env: P}]",
    ] {
        for path in [secret, "/etc/passwd", "../../a/../../etc/passwd"] {
            let text = format!("resources: [x.yaml]\n{}\n", field.replace('P', path));
            let text = text.replacen("resources: [x.yaml]\nresources", "resources", 1);
            let said = only(&text);
            assert!(said.contains("leads out of the source tree"), "{field}: {said}");
            assert!(said.starts_with("a/kustomization.yaml:"), "{field}: {said}");
        }
    }
}

#[test]
fn nothing_is_fetched_or_run() {
    for field in [
        "resources: ['https://example.com/base?ref=v1']",
        "resources: ['git::https://example.com/base']",
        "resources: ['github.com/example/base']",
        "resources: ['git@example.com:base']",
        "resources: ['http://169.254.169.254/latest/meta-data']",
        "helmCharts: [{name: x, repo: 'https://example.com'}]",
    ] {
        let said = only(field);
        assert!(said.contains("is remote") || said.contains("runs helm"), "{said}");
    }
    for function in ["exec: {path: ./x.sh}", "container: {image: x}", "starlark: {path: x.star}"] {
        let plugin = format!(
            "apiVersion: example.com/v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      {function}\n"
        );
        for field in ["generators", "transformers", "validators"] {
            let text = format!("{field}: [plugin.yaml]\n");
            let said = refused(&[("a/kustomization.yaml", &text), ("a/plugin.yaml", &plugin)]);
            assert!(said.contains("plugins disabled"), "{said}");
        }
    }
}

#[test]
fn cycles_are_named() {
    let said = refused(&[
        ("a/kustomization.yaml", "resources: [../b]"),
        ("b/kustomization.yaml", "resources: [../a]"),
    ]);
    assert!(said.contains("cycle"), "{said}");
    assert!(only("resources: [.]").contains("cycle"));
    let said = refused(&[
        ("a/kustomization.yaml", "components: [../c]"),
        ("c/kustomization.yaml", "kind: Component\ncomponents: [../c]"),
    ]);
    assert!(said.contains("cycle"), "{said}");
}

#[test]
fn stacks_of_bases_are_bounded() {
    let deep = |layers: usize| -> MemTree {
        let layer =
            |n: usize| (format!("l{n}/kustomization.yaml"), format!("resources: [../l{}]", n + 1));
        let mut files: Vec<(String, String)> = (0..layers).map(layer).collect();
        files.push(("a/kustomization.yaml".to_owned(), "resources: [../l0]".to_owned()));
        files.push((format!("l{layers}/kustomization.yaml"), "resources: [x.yaml]".to_owned()));
        files.push((format!("l{layers}/x.yaml"), MAP.to_owned()));
        files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
    };
    assert!(rendered(&deep(50)).is_ok());
    let said = rendered(&deep(10_000)).expect_err("too deep").to_string();
    assert!(said.contains("layers"), "{said}");
}

#[test]
fn diamonds_end() {
    let mut files = vec![
        ("a/kustomization.yaml".to_owned(), "resources: [../l0]".to_owned()),
        ("l30/kustomization.yaml".to_owned(), "labels: [{pairs: {a: b}}]".to_owned()),
    ];
    for n in 0..30 {
        let both = format!("resources: [../p{n}, ../q{n}]");
        files.push((format!("l{n}/kustomization.yaml"), both));
        for side in ["p", "q"] {
            let next = format!("namePrefix: {side}-\nresources: [../l{}]", n + 1);
            files.push((format!("{side}{n}/kustomization.yaml"), next));
        }
    }
    let files: MemTree = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    let said = rendered(&files).expect_err("too many").to_string();
    assert!(said.contains("layers"), "{said}");
}

#[test]
fn deep_yaml_is_refused() {
    let flow = format!("{MAP}data: {}1{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let maps = format!("{MAP}data: {}\n", "{a: ".repeat(100_000));
    let block: String = (0..3_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let dashes = format!("{MAP}data:\n  {}x\n", "- ".repeat(100_000));
    for bomb in [flow, maps, block, dashes] {
        let said = refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &bomb)]);
        assert!(said.contains("x.yaml"), "{said}");
        refused(&[("a/kustomization.yaml", &bomb)]);
    }
    let json = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let patch = format!("patches: [{{target: {{kind: X}}, patch: '{json}'}}]");
    only(&patch);
}

#[test]
fn alias_bombs_and_circles_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let refs = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &bomb)]);
    only("a: &a [*a]");
    only("a: &a\n  <<: *a\n");
}

#[test]
fn odd_bytes_and_forms_are_errors() {
    for text in [
        "a: \u{0}",
        "\u{fffe}",
        "- a\n- b",
        "42",
        "resources: {a: b}",
        "resources: [[a]]",
        "patches: [null]",
        "images: [1]",
        "\t- a",
        "resources: [*a]",
    ] {
        only(text);
    }
    let bytes: MemTree = [
        ("a/kustomization.yaml".to_owned(), b"resources: [x.yaml]".to_vec()),
        ("a/x.yaml".to_owned(), b"a: \xff\xfe".to_vec()),
    ]
    .into_iter()
    .collect();
    assert!(rendered(&bytes).is_err());
    for object in [
        "metadata: []",
        "metadata: {name: x}",
        "apiVersion: v1\nkind: X",
        "[]",
        "null: null",
        "apiVersion: v1\nkind: X\nmetadata: {name: [x]}",
        "apiVersion: 1\nkind: X\nmetadata: {name: x}",
        "apiVersion: v1\nkind: X\nmetadata: {name: x, labels: [a]}\n",
        "apiVersion: v1\nkind: X\nmetadata: {name: x}\ndata: {k: a, k: b}\n",
    ] {
        let all = "resources: [x.yaml]\ncommonLabels: {a: b}\nnamePrefix: p-\nnamespace: prod\n";
        let said = refused(&[("a/kustomization.yaml", all), ("a/x.yaml", object)]);
        assert!(said.contains("x.yaml") || said.contains(" X.v1.[noGrp]/"), "{object}: {said}");
    }
    refused(&[
        ("a/kustomization.yaml", "resources: [x.yaml, y.yaml]"),
        ("a/x.yaml", MAP),
        ("a/y.yaml", MAP),
    ]);
}

#[test]
fn expressions_are_linear() {
    // A backtracking engine would try each of the ways to split so many letters before it gives up on the last.
    let name = format!("{}b", "a".repeat(20_000));
    let all = MAP.replace("name: x", &format!("name: {name}"));
    let evil = "\
resources: [x.yaml]
patches:
- target: {name: '(a+)+'}
  patch: |
    - {op: remove, path: /kind}
replacements:
- source: {kind: ConfigMap, fieldPath: kind}
  targets:
  - {select: {name: '((a*)*)*'}, fieldPaths: [metadata.name]}
- source: {kind: ConfigMap, fieldPath: kind}
  targets:
  - {select: {name: '((a*)*)*b'}, fieldPaths: [apiVersion]}
";
    let text = rendered(&tree(&[("a/kustomization.yaml", evil), ("a/x.yaml", &all)]));
    let expected = format!("apiVersion: ConfigMap\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    assert_eq!(text.expect("a build"), expected);
    let huge = "resources: [x.yaml]\npatches: [{target: {name: '((a{1000}){1000}){1000}'}, patch: '[]'}]\n";
    let said = refused(&[("a/kustomization.yaml", huge), ("a/x.yaml", &all)]);
    assert!(said.contains("exceeds size limit"), "{said}");
    for path in
        ["/data/999/2147483647", "/metadata/finalizers/2147483647", "/metadata/finalizers/-5"]
    {
        let index = format!(
            "resources: [x.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n    - {{op: add, path: {path}, value: 1}}\n"
        );
        let listed = MAP.replace("{name: x}", "{name: x, finalizers: [a]}");
        let said = refused(&[("a/kustomization.yaml", &index), ("a/x.yaml", &listed)]);
        assert!(said.contains(path), "{said}");
    }
    only(
        "resources: [x.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '[{op: remove, path: /a}]'}]",
    );
}

#[test]
fn huge_builds_are_refused() {
    let items = "  - {apiVersion: v1, kind: A, metadata: {generateName: a}}\n".repeat(20);
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    // A list of lists of lists.
    let mut many =
        "apiVersion: v1\nkind: List\nitems: &a0 [{apiVersion: v1, kind: AList, items: []}]\n"
            .to_owned();
    many.push_str(&"- {}\n".repeat(3));
    refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &many)]);
    refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &list)]);
    let mut lines = String::new();
    for n in 0..100_001 {
        lines.push_str(&format!("- {{apiVersion: v1, kind: A, metadata: {{name: a{n}}}}}\n"));
    }
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{lines}");
    let said = refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &list)]);
    assert!(said.contains("too many objects: at most 100000"), "{said}");
    let file = "x".repeat(1 << 20);
    let mut generators = "configMapGenerator:\n".to_owned();
    for n in 0..257 {
        generators.push_str(&format!("- {{name: m{n}, files: [big]}}\n"));
    }
    let said = refused(&[("a/kustomization.yaml", &generators), ("a/big", &file)]);
    assert!(said.contains("too large: one build reads at most 256 MiB"), "{said}");
    // Of each layer that includes it, a file counts again.
    let comment = format!("{}\n", "#".repeat(60 << 20));
    let mut layers =
        vec![("top/kustomization.yaml", "resources: [../l0, ../l1, ../l2, ../l3, ../l4]")];
    let names: Vec<(String, String)> = (0..5)
        .map(|n| {
            (
                format!("l{n}/kustomization.yaml"),
                "resources: [../base]\n".to_owned() + &format!("namePrefix: p{n}-"),
            )
        })
        .collect();
    layers.extend(names.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    layers.push(("base/kustomization.yaml", "resources: [x.yaml]"));
    let object = format!("{MAP}{comment}");
    layers.push(("base/x.yaml", &object));
    let said = render(&tree(&layers), "top", Options::KUSTOMIZE).expect_err("refused").to_string();
    assert!(said.contains("too large"), "{said}");
}

#[test]
fn what_doubles_is_refused_before_it_hurts() {
    let mut copies = String::new();
    for n in 0..40 {
        copies.push_str(&format!("    - {{op: copy, from: /data, path: /data/x{n}}}\n"));
    }
    let all = format!(
        "resources: [x.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n{copies}"
    );
    let map = format!("{MAP}data: {{k: v}}\n");
    let said = refused(&[("a/kustomization.yaml", &all), ("a/x.yaml", &map)]);
    assert!(said.contains("too large: one build reads at most 256 MiB"), "{said}");
    let mut pieces = "resources: [x.yaml]\nreplacements:\n".to_owned();
    for _ in 0..40 {
        pieces.push_str(
            "- source: {kind: ConfigMap, fieldPath: data.k}\n  targets:\n  - select: {kind: ConfigMap}\n    \
             fieldPaths: [data.k]\n    options: {delimiter: '/', index: 99}\n",
        );
    }
    let said = refused(&[("a/kustomization.yaml", &pieces), ("a/x.yaml", &map)]);
    assert!(said.contains("more than 4 MiB"), "{said}");
    let aliases = "*a, ".repeat(3_000);
    let long = format!("{MAP}a: &a '{}'\nb: [{aliases}]\n", "x".repeat(1 << 20));
    let said = refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &long)]);
    assert!(said.contains("anchors and aliases expand to more than 16 MiB"), "{said}");
    let one = format!("{MAP}a: &a '{}'\nb: [*a, *a]\n---\n", "x".repeat(1 << 20)).repeat(6);
    let said = refused(&[("a/kustomization.yaml", "resources: [x.yaml]"), ("a/x.yaml", &one)]);
    assert!(said.contains("anchors and aliases expand"), "{said}");
}

#[test]
fn builds_side_by_side_know_nothing_of_each_other() {
    let with_schema = [
        (
            "a/kustomization.yaml",
            "resources: [x.yaml]\nopenapi: {path: s.json}\npatches: [{path: p.yaml}]",
        ),
        ("a/x.yaml", "apiVersion: e/v1\nkind: K\nmetadata: {name: x}\nl: [{n: a, v: 1}]\n"),
        ("a/p.yaml", "apiVersion: e/v1\nkind: K\nmetadata: {name: x}\nl: [{n: b}]\n"),
        (
            "a/s.json",
            r#"{"definitions": {"K": {"x-kubernetes-group-version-kind": [{"group": "e", "version": "v1", "kind": "K"}],
                "properties": {"l": {"type": "array", "x-kubernetes-patch-strategy": "merge",
                    "x-kubernetes-patch-merge-key": "n"}}}}}"#,
        ),
    ];
    let (with, without) = (tree(&with_schema), {
        let mut files = with_schema;
        files[0].1 = "resources: [x.yaml]\npatches: [{path: p.yaml}]";
        tree(&files)
    });
    let merged =
        "apiVersion: e/v1\nkind: K\nl:\n- \"n\": b\n- \"n\": a\n  v: 1\nmetadata:\n  name: x\n";
    let replaced = "apiVersion: e/v1\nkind: K\nl:\n- \"n\": b\nmetadata:\n  name: x\n";
    std::thread::scope(|scope| {
        for (files, expected) in [(&with, merged), (&without, replaced)].into_iter().cycle().take(8)
        {
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(rendered(files).as_deref(), Ok(expected));
                }
            });
        }
    });
}
