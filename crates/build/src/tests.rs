use capstan_model::{Fault as _, Manifest};
use capstan_tree::MemTree;
use serde_json::{Value, json};

use crate::{Image, Options, Overlay, Patch, Target, build};

/// A tree from `//- path` headings and the text below each.
fn tree(text: &str) -> MemTree {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.trim_start().strip_prefix("//- ") {
            files.push((path.to_owned(), Vec::new()));
        } else if let Some((_, content)) = files.last_mut() {
            content.extend(line.as_bytes());
            content.push(b'\n');
        }
    }
    files.into_iter().collect()
}

fn built(text: &str, path: &str, overlay: &Overlay) -> Vec<Manifest> {
    build(&tree(text), path, overlay, Options::FLUX).unwrap_or_else(|error| panic!("{error}"))
}

fn names(manifests: &[Manifest]) -> Vec<String> {
    manifests.iter().map(|m| format!("{}/{}/{}", m.kind(), m.namespace(), m.name())).collect()
}

fn fault(text: &str, path: &str) -> (String, String) {
    let error =
        build(&tree(text), path, &Overlay::default(), Options::FLUX).expect_err("a faulty tree");
    (error.to_string(), error.hints().join(" "))
}

const APP: &str = r"
//- base/kustomization.yaml
resources: [deployment.yaml, rbac.yaml]
configMapGenerator:
- name: settings
  literals: [a=1]
//- base/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: nginx:1.0
        envFrom: [{configMapRef: {name: settings}}]
//- base/rbac.yaml
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: web, namespace: default}]
//- overlay/kustomization.yaml
namespace: prod
namePrefix: p-
resources: [../base]
replicas: [{name: web, count: 3}]
images: [{name: nginx, newTag: '2.0'}]
commonLabels: {team: a}
configMapGenerator:
- name: settings
  behavior: merge
  literals: [b=2]
";

#[test]
fn layers_rename_move_and_scale() {
    let manifests = built(APP, "overlay", &Overlay::default());
    let settings = manifests[3].name().to_owned();
    assert!(settings.starts_with("p-settings-"), "{settings}");
    assert_eq!(
        names(&manifests)[..3],
        ["Deployment/prod/p-web", "ServiceAccount/prod/p-web", "ClusterRoleBinding//p-web"]
    );
    let deployment = manifests[0].value();
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(pod["containers"][0]["image"], "nginx:2.0");
    assert_eq!(pod["containers"][0]["envFrom"][0]["configMapRef"]["name"], settings.as_str());
    assert_eq!(pod["serviceAccountName"], "p-web");
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], json!({"team": "a"}));
    assert_eq!(
        manifests[2].value()["subjects"],
        json!([{"kind": "ServiceAccount", "name": "p-web", "namespace": "prod"}])
    );
    assert_eq!(manifests[3].value()["data"], json!({"a": "1", "b": "2"}));
}

#[test]
fn flux_adds_its_layer() {
    let patch = |text: &str, kind: &str| Patch {
        patch: text.to_owned(),
        target: Some(Target { kind: kind.to_owned(), ..Target::default() }),
        ..Patch::default()
    };
    let overlay = Overlay {
        target_namespace: Some("tenant".to_owned()),
        name_suffix: Some("-x".to_owned()),
        patches: vec![patch("- {op: add, path: /metadata/labels, value: {p: q}}", "Service.*")],
        images: vec![Image {
            name: "nginx".to_owned(),
            new_tag: "3".to_owned(),
            ..Image::default()
        }],
        ..Overlay::default()
    };
    let manifests = built(APP, "overlay", &overlay);
    assert_eq!(manifests[1].namespace(), "tenant");
    assert_eq!(manifests[1].name(), "p-web-x");
    assert_eq!(manifests[1].label("p"), Some("q"));
    let image = manifests[0].value().pointer("/spec/template/spec/containers/0/image");
    assert_eq!(image, Some(&Value::from("nginx:3")));
}

#[test]
fn a_directory_without_kustomization_is_searched() {
    let text = r"
//- app/b.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
//- app/notes.txt
not YAML: [
//- app/sub/a.yml
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
//- app/own/kustomization.yml
namePrefix: own-
resources: [c.yaml]
//- app/own/c.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
//- app/own/unused.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: unused}}
";
    assert_eq!(
        names(&built(text, "./app", &Overlay::default())),
        ["ConfigMap//b", "ConfigMap//own-c", "ConfigMap//a"]
    );
}

#[test]
fn patches_find_their_objects() {
    let text = r"
//- kustomization.yaml
resources: [a.yaml]
patches:
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: a}
    data: {x: null, y: '2'}
- path: delete.yaml
patchesJson6902:
- target: {version: v1, kind: ConfigMap, name: a}
  patch: |
    - {op: replace, path: /data/y, value: '3'}
//- delete.yaml
$patch: delete
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
//- a.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: '1'}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
";
    let manifests = built(text, "", &Overlay::default());
    assert_eq!(names(&manifests), ["ConfigMap//a"]);
    assert_eq!(manifests[0].value()["data"], json!({"y": "3"}));
}

#[test]
fn annotations_keep_their_spelling_and_can_be_removed() {
    let text = r"
//- kustomization.yaml
resources: [a.yaml]
patches:
- patch: |
    {apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {gone: null}}}
//- a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a, annotations: {gone: x, version: 1.10, on: true}}
";
    let manifests = built(text, "", &Overlay::default());
    assert_eq!(
        manifests[0].value()["metadata"]["annotations"],
        json!({"on": "true", "version": "1.10"})
    );
}

#[test]
fn components_change_what_is_already_there() {
    let text = r"
//- app/kustomization.yaml
resources: [a.yaml]
components: [../part]
//- app/a.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
//- part/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
namePrefix: part-
";
    assert_eq!(names(&built(text, "app", &Overlay::default())), ["ConfigMap//part-a"]);
}

#[test]
fn errors_name_line_layer_and_remedy() {
    let object = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    for (text, message, hint) in [
        (
            "//- o/kustomization.yaml\nresources:\n- ../b\n//- b/kustomization.yaml\nresources: [gone.yaml]\n//- b/here.yaml\n",
            "b/kustomization.yaml:1: accumulating resources: '/b/gone.yaml' doesn't exist, included by o/kustomization.yaml:2",
            "`here.yaml`",
        ),
        (
            "//- o/kustomization.yaml\nresources: [a.yaml]\n//- o/a.yaml\na: b\n c: d\n",
            "o/a.yaml:2: accumulating resources: invalid YAML: ",
            "",
        ),
        (
            "//- o/kustomization.yaml\nresources: [../o]\n",
            "o/kustomization.yaml:1: accumulating resources: cycle: `o` -> `o`",
            "include itself",
        ),
        (
            "//- o/kustomization.yaml\nresources: [../../etc]\n",
            "o/kustomization.yaml:1: accumulating resources: `../../etc` leads out of the source tree",
            "outside",
        ),
        (
            "//- o/kustomization.yaml\nresources: [https://example.com/x.yaml]\n",
            "o/kustomization.yaml:1: accumulating resources: `https://example.com/x.yaml` is remote",
            "copy",
        ),
        (
            &format!(
                "//- o/kustomization.yaml\nresources:\n- a.yaml\n- b.yaml\n//- o/a.yaml\n{object}\n//- o/b.yaml\n\n{object}\n"
            ),
            "o/b.yaml:2: accumulating resources: may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]; it is first given in o/a.yaml:1, included by o/kustomization.yaml:3",
            "patch",
        ),
        (
            &format!(
                "//- o/kustomization.yaml\nresources: [a.yaml]\npatches:\n- patch: |\n    kind: ConfigMap\n    apiVersion: v1\n    metadata: {{name: z}}\n//- o/a.yaml\n{object}\n"
            ),
            "o/kustomization.yaml:3: no matches for Id ConfigMap.v1.[noGrp]/z.[noNs]; failed to find unique target for patch",
            "there is ConfigMap.v1.[noGrp]/a",
        ),
    ] {
        let (error, hints) = fault(text, "o");
        assert!(error.starts_with(message), "{error}");
        assert!(hints.contains(hint), "{hints}");
    }
    assert!(fault("//- a/b\n", "gone").0.contains("'/gone' doesn't exist"));
}

const LISTS: &str = r"
//- kustomization.yaml
resources: [r.yaml]
//- r.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: s}}
- apiVersion: v1
  kind: ConfigMapList
  items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: inner}}]
- {apiVersion: v1, kind: ConfigMap, metadata: {name: j}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: z}
---
apiVersion: v1
kind: SecretList
items: null
";

#[test]
fn items_of_lists_come_after_the_rest_of_their_file() {
    let built = built(LISTS, "", &Overlay::default());
    let names: Vec<&str> = built.iter().map(Manifest::name).collect();
    assert_eq!(names, ["a", "z", "s", "j", "inner"]);
}

#[test]
fn a_list_without_a_list_of_items_is_refused() {
    let (message, hint) = fault(&LISTS.replace("items: null", "items: {}"), "");
    assert!(message.contains("expected array in SecretList/items"), "{message}");
    assert!(hint.contains("list of objects"), "{hint}");
}

#[test]
fn the_command_prints_in_the_old_order_of_kinds_and_the_controller_as_written() {
    let tree = tree(LISTS);
    let order = |options| {
        let built = build(&tree, "", &Overlay::default(), options).expect("valid");
        built.iter().map(|m| m.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(Options::KUSTOMIZE), ["a", "inner", "j", "z", "s"]);
    let unsorted = Options { legacy_order: false, ..Options::KUSTOMIZE };
    assert_eq!(order(unsorted), ["a", "z", "s", "j", "inner"]);
}

#[test]
fn all_faults_of_a_stage_are_told_with_their_layers() {
    let text = r"
//- top/kustomization.yaml
resources: [../base, missing.yaml]
patches: [{path: p.yaml}]
//- base/kustomization.yaml
resources: [bad.yaml, ok.yaml, absent]
//- base/bad.yaml
a: [
//- base/ok.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: ok}
";
    let (message, hints) = fault(text, "top");
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 3, "{message}");
    assert!(lines[0].starts_with("base/bad.yaml:"), "{message}");
    assert!(lines[1].starts_with("base/kustomization.yaml:1: "), "{message}");
    assert!(lines[1].contains("'/base/absent' doesn't exist"), "{message}");
    assert!(lines[1].ends_with("included by top/kustomization.yaml:1"), "{message}");
    assert!(lines[2].starts_with("top/kustomization.yaml:1: "), "{message}");
    assert!(hints.contains("`bad.yaml`"), "{hints}");
    let patches = r"
//- kustomization.yaml
resources: [ok.yaml]
patches:
- patch: '[{op: x}]'
- path: gone.yaml
//- ok.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: ok}
";
    let (message, _) = fault(patches, "");
    assert_eq!(message.lines().count(), 2, "{message}");
}

#[test]
fn what_is_written_as_nothing_outlives_a_json_patch() {
    let text = r#"
//- kustomization.yaml
resources: [r.yaml]
patches:
- target: {kind: Pod}
  patch: '[{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]'
- patch: '{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {c: d}}}'
//- r.yaml
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  nodeSelector:
  volumes:
  - name: v
    emptyDir:
"#;
    let built = built(text, "", &Overlay::default());
    let spec = json!({"nodeSelector": null, "volumes": [{"emptyDir": null, "name": "v"}]});
    assert_eq!(built[0].value()["spec"], spec);
}

#[test]
fn a_json_patch_reads_annotations_anew() {
    let text = r#"
//- kustomization.yaml
resources: [r.yaml]
patches:
- target: {kind: Pod}
  patch: '[{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]'
//- r.yaml
apiVersion: v1
kind: Pod
metadata:
  name: p
  annotations:
    version: 1.10
    mode: 0644
    reviewed: 2024-05-01
    rate: 1e3
    nothing:
    quoted: "1.10"
    text: yes
"#;
    let annotations = |text: &str| {
        built(text, "", &Overlay::default())[0].value()["metadata"]["annotations"].clone()
    };
    let anew = json!({"version": "1.1", "mode": "420", "reviewed": "2024-05-01T00:00:00Z",
        "rate": "1000", "nothing": "null", "quoted": "1.10", "text": "yes"});
    assert_eq!(annotations(text), anew);
    let (kustomization, _) = text.split_once("patches:").expect("has patches");
    let (_, object) = text.split_once("//- r.yaml").expect("has an object");
    let untouched = annotations(&format!("{kustomization}//- r.yaml{object}"));
    assert_eq!((&untouched["version"], &untouched["nothing"]), (&json!("1.10"), &json!("")));
    let merge = "patches: ['{}']".replace(
        "'{}'",
        "{patch: '{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {c: d}}}'}",
    );
    let merged = annotations(&format!("{kustomization}{merge}\n//- r.yaml{object}"));
    assert_eq!(merged.get("nothing"), None);
}
