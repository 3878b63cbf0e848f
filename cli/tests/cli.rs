//! The program as a user runs it, without a cluster.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn capstan(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capstan"));
    command.args(arguments).env_remove("KUBECONFIG").env("HOME", "/nonexistent");
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Writes files below a folder.
fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
}

const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: value\n";

#[test]
fn build_prints_documents() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[
            ("base/kustomization.yaml", "resources: [a.yaml, ns.yaml]\n"),
            ("base/a.yaml", CONFIG_MAP),
            ("base/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"),
            ("overlay/kustomization.yaml", "namespace: shop\nresources: [../base]\n"),
        ],
    );
    let built = capstan(&["build", "overlay"]).current_dir(folder.path()).output().expect("runs");
    assert_eq!(
        text(&built.stdout),
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\napiVersion: v1\ndata:\n  \
         key: value\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: shop\n",
        "{}",
        text(&built.stderr)
    );
    assert!(built.status.success() && built.stderr.is_empty());
}

#[test]
fn build_finds_the_work_tree_and_takes_a_root() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[
            ("repo/.git/HEAD", "ref: refs/heads/main\n"),
            ("repo/base/a.yaml", CONFIG_MAP),
            ("repo/base/kustomization.yaml", "resources: [a.yaml]\n"),
            ("repo/overlay/kustomization.yaml", "resources: [../base]\n"),
        ],
    );
    let overlay = folder.path().join("repo/overlay");
    let overlay = overlay.to_str().expect("UTF-8");
    assert!(capstan(&["build", overlay]).output().expect("runs").status.success());
    let refused = capstan(&["build", overlay, "--root", overlay]).output().expect("runs");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("--root"), "{}", text(&refused.stderr));
}

const UNITS: &str = r#"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: other, namespace: flux-system}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: top, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: fleet}
  commonMetadata: {annotations: {team: shop}}
  postBuild:
    substitute: {key: new}
    substituteFrom: [{kind: ConfigMap, name: absent}]
"#;

const NESTED: &str = r#"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: nested, namespace: flux-system}
spec:
  path: ./nested
  sourceRef: {kind: GitRepository, name: fleet}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: top, namespace: flux-system}
spec: {path: ./top}
"#;

#[test]
fn build_kustomization_follows_those_that_it_brings() {
    let folder = tempfile::tempdir().expect("a folder");
    let encrypted = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: 'ENC[x]'}\nsops: {mac: 'ENC[y]'}\n";
    write(
        folder.path(),
        &[
            ("units.yaml", UNITS),
            (
                "top/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: '${key}'}\n",
            ),
            ("top/nested.yaml", NESTED),
            ("top/ignored.yaml", "not: an object\n"),
            ("nested/s.yaml", encrypted),
        ],
    );
    let build = |more: &[&str]| {
        let arguments = [
            "build",
            "kustomization",
            "top",
            "--path",
            "top",
            "--kustomization-file",
            "units.yaml",
        ];
        let flags = ["--dry-run", "--ignore-paths", "ignored.yaml"];
        let arguments = [&arguments[..], &flags, more].concat();
        capstan(&arguments).current_dir(folder.path()).output().expect("runs")
    };
    let built = build(&["-r", "--local-sources", "GitRepository/flux-system/fleet=."]);
    let (shown, said) = (text(&built.stdout), text(&built.stderr));
    assert!(built.status.success(), "{said}");
    let first = "apiVersion: v1\ndata:\n  k: new\nkind: ConfigMap\nmetadata:\n  annotations:\n    team: shop\n  labels:\n    \
        kustomize.toolkit.fluxcd.io/name: top\n    kustomize.toolkit.fluxcd.io/namespace: flux-system\n  name: a\n---\n";
    assert!(shown.starts_with(first), "{shown}");
    assert!(shown.contains("kustomize.toolkit.fluxcd.io/name: nested\n"), "{shown}");
    assert!(shown.contains("k: '**SOPS**'\n") && !shown.contains("ENC["), "{shown}");
    assert_eq!(shown.matches("---\n").count(), 4, "{shown}");
    let lost = build(&["-r"]);
    assert_eq!(lost.status.code(), Some(1));
    let said = text(&lost.stderr);
    assert!(said.contains("GitRepository/flux-system/fleet of kustomization nested"), "{said}");
    assert!(said.contains("--local-sources"), "{said}");
}

#[test]
fn a_failed_build_prints_nothing_but_why() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[
            ("kustomization.yaml", "resources: [broken.yaml]\n"),
            ("broken.yaml", "apiVersion: v1\nkind: [\n"),
        ],
    );
    let built = capstan(&["build"]).current_dir(folder.path()).output().expect("runs");
    assert_eq!(built.status.code(), Some(1));
    assert!(built.stdout.is_empty());
    assert!(text(&built.stderr).starts_with("✗ broken.yaml:"), "{}", text(&built.stderr));
    let absent = capstan(&["build", "/nonexistent"]).output().expect("runs");
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent.stderr).contains("/nonexistent"), "{}", text(&absent.stderr));
}

fn envsubst(arguments: &[&str], input: &str) -> Output {
    let mut child = capstan(arguments)
        .env("CAPSTAN_TEST_NAME", "crew")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("read");
    drop(stdin);
    child.wait_with_output().expect("ends")
}

#[test]
fn envsubst_reads_the_environment() {
    let output = envsubst(&["envsubst"], "hello ${CAPSTAN_TEST_NAME^}${CAPSTAN_TEST_NONE}\n");
    assert_eq!(text(&output.stdout), "hello Crew\n");
    let output = envsubst(&["envsubst", "--strict"], "hello ${CAPSTAN_TEST_NONE}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("CAPSTAN_TEST_NONE"), "{}", text(&output.stderr));
}

#[test]
fn version_and_help_succeed_and_nonsense_fails() {
    let version = capstan(&["version"]).output().expect("runs");
    assert_eq!(text(&version.stdout), format!("capstan: v{}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(capstan(&["--help"]).output().expect("runs").status.code(), Some(0));
    assert_eq!(capstan(&["frobnicate"]).output().expect("runs").status.code(), Some(1));
    let script = capstan(&["completion", "bash"]).output().expect("runs");
    assert!(text(&script.stdout).contains("_capstan"));
}

#[test]
fn a_missing_kubeconfig_is_named() {
    let output = capstan(&["get", "all", "--kubeconfig", "/nonexistent/config"]).output();
    let output = output.expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("/nonexistent/config") && said.contains("hint: "), "{said}");
}

#[test]
fn an_unreachable_cluster_is_a_failure_with_a_hint() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context:\n    cluster: c\nclusters:\n- name: c\n  cluster:\n    server: http://127.0.0.1:1\n";
    write(folder.path(), &[("config", config)]);
    let file = folder.path().join("config");
    let arguments = ["get", "ks", "--kubeconfig", file.to_str().expect("UTF-8")];
    let output = capstan(&arguments).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("hint: is the cluster up"), "{}", text(&output.stderr));
}
