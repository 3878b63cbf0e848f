use anyhow::{Context, Result};
use capstan_tree::MemTree;

use super::{Scene, below, put};

/// How many applications share the overlays.
const APPLICATIONS: usize = 20;

/// A repository of many overlays: each application has a base of a dozen objects, and the overlays of one share it and a component that all use.
pub fn monorepo(overlays: usize) -> Scene {
    let mut files = Vec::new();
    for application in 0..APPLICATIONS {
        base(&mut files, &format!("app{application:02}"));
    }
    component(&mut files);
    for overlay in 0..overlays {
        let application = format!("app{:02}", overlay % APPLICATIONS);
        let directory = format!("overlays/env{overlay:04}");
        put(
            &mut files,
            format!("{directory}/kustomization.yaml"),
            kustomization(overlay, &application),
        );
        put(&mut files, format!("{directory}/resources.yaml"), resources_patch(overlay));
        put(&mut files, format!("{directory}/quota.yaml"), quota(overlay));
        put(
            &mut files,
            format!("{directory}/app.properties"),
            format!("env={overlay}\nfeature.new=true\n"),
        );
    }
    let tree: MemTree = files.into_iter().collect();
    let directories = below(&tree, "overlays");
    Scene { name: "monorepo", tree, directories }
}

/// The repository after a push that touches one of its overlays, that in the middle of a list of them.
///
/// # Errors
/// When there is none.
pub fn changed(mut tree: MemTree, overlays: &[String]) -> Result<MemTree> {
    let touched = overlays.get(overlays.len() / 2).context("no overlay")?;
    tree.insert(&format!("{touched}/resources.yaml"), resources_patch(4321).into_bytes())?;
    Ok(tree)
}

fn kustomization(overlay: usize, application: &str) -> String {
    let replicas = overlay % 5 + 1;
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: team-{overlay:04}
namePrefix: e{overlay:04}-
resources:
- ../../bases/{application}
- quota.yaml
components:
- ../../components/monitoring
labels:
- pairs:
    env: env{overlay:04}
    tier: t{tier}
  includeSelectors: true
commonAnnotations:
  example.com/owner: team-{overlay:04}
patches:
- path: resources.yaml
- target: {{kind: Ingress}}
  patch: |-
    - op: replace
      path: /spec/rules/0/host
      value: env{overlay:04}.example.com
    - op: add
      path: /metadata/annotations/example.com~1rate
      value: \"{overlay}\"
images:
- name: registry.example.com/{application}
  newTag: v1.{tier}.{overlay}
replicas:
- name: web
  count: {replicas}
configMapGenerator:
- name: settings
  behavior: merge
  literals:
  - LOG_LEVEL=level{tier}
  - REGION=region-{overlay}
  files:
  - app.properties
secretGenerator:
- name: token
  literals:
  - value=secret-{overlay}
",
        tier = overlay % 7,
    )
}

fn resources_patch(overlay: usize) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        env:
        - name: ENVIRONMENT
          value: env{overlay:04}
        resources:
          limits:
            memory: {memory}Mi
          requests:
            cpu: {cpu}m
",
        memory = 128 + overlay % 900,
        cpu = 50 + overlay % 400,
    )
}

fn quota(overlay: usize) -> String {
    format!(
        "apiVersion: v1
kind: ResourceQuota
metadata:
  name: quota
spec:
  hard:
    pods: \"{}\"
    requests.cpu: \"{}\"
",
        10 + overlay % 90,
        1 + overlay % 30,
    )
}

fn component(files: &mut Vec<(String, Vec<u8>)>) {
    put(
        files,
        "components/monitoring/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
- monitor.yaml
patches:
- target: {kind: Service}
  patch: |-
    apiVersion: v1
    kind: Service
    metadata:
      name: any
      annotations:
        prometheus.io/scrape: \"true\"
        prometheus.io/port: \"9090\"
",
    );
    put(
        files,
        "components/monitoring/monitor.yaml",
        "apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  endpoints:
  - port: metrics
    interval: 30s
",
    );
}

fn base(files: &mut Vec<(String, Vec<u8>)>, application: &str) {
    let directory = format!("bases/{application}");
    put(
        files,
        format!("{directory}/kustomization.yaml"),
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- workloads.yaml
- network.yaml
- access.yaml
labels:
- pairs: {{app.kubernetes.io/name: {application}}}
configMapGenerator:
- name: settings
  literals:
  - LOG_LEVEL=info
  - APPLICATION={application}
"
        ),
    );
    for (name, text) in [
        ("workloads", include_str!("base/workloads.yaml")),
        ("network", include_str!("base/network.yaml")),
        ("access", include_str!("base/access.yaml")),
    ] {
        put(files, format!("{directory}/{name}.yaml"), text.replace("APPLICATION", application));
    }
}
