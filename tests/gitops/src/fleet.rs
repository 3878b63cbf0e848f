//! The monorepo: units of five objects each, and the Kustomizations that apply them.

use anyhow::Result;
use capstan_cluster::Cluster;
use capstan_e2e::bare::CREDENTIALS;
use capstan_e2e::look::kind;
use capstan_e2e::stage::NAMESPACE;
use capstan_kit::Repo;
use capstan_model::GroupVersionKind;
use serde_json::{Value, json};

/// The GitRepository.
pub(crate) const SOURCE: &str = "fleet";
/// The label of every object of a unit.
pub(crate) const LABEL: &str = "bench.capstan.dev/unit";
/// Who asks for a reconciliation.
const ASKING: &str = "bench";

pub(crate) fn kustomization() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

pub(crate) fn git_repository() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

pub(crate) fn config_map() -> GroupVersionKind {
    kind("v1", "ConfigMap")
}

/// The name of a unit.
pub(crate) fn unit(number: usize) -> String {
    format!("unit-{number:04}")
}

/// The namespace of a unit's objects.
pub(crate) fn namespace(number: usize, of: usize) -> String {
    format!("apps-{:03}", number % of.max(1))
}

/// The ConfigMap of a unit, whose value a push changes.
pub(crate) fn settings(number: usize, of: usize, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(number, of),
        "data": {"value": value, "color": "blue", "replicas": "3"}})
}

fn metadata(number: usize, of: usize) -> Value {
    let name = unit(number);
    json!({"name": name, "namespace": namespace(number, of), "labels": {LABEL: name}})
}

/// The five objects of a unit: all of them are healthy as soon as they exist.
pub(crate) fn objects(number: usize, of: usize) -> [Value; 5] {
    let (name, metadata) = (unit(number), metadata(number, of));
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name});
    let subject =
        json!({"kind": "ServiceAccount", "name": name, "namespace": namespace(number, of)});
    [
        settings(number, of, "0"),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": metadata, "roleRef": role, "subjects": [subject]}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}}),
    ]
}

/// The path of a unit's ConfigMap in the repository.
pub(crate) fn settings_path(number: usize) -> String {
    format!("units/{}/settings.yaml", unit(number))
}

/// Pushes all units; gives the revision.
pub(crate) async fn push(repo: &Repo, units: usize, of: usize) -> Result<String> {
    let mut files = Vec::new();
    for number in 0..units {
        let folder = format!("units/{}", unit(number));
        let [settings, account, role, binding, service] =
            objects(number, of).map(|o| o.to_string());
        let kustomization = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization", "resources": ["settings.yaml", "access.yaml", "service.yaml"]});
        files.push((settings_path(number), settings));
        files.push((format!("{folder}/access.yaml"), [account, role, binding].join("\n---\n")));
        files.push((format!("{folder}/service.yaml"), service));
        files.push((format!("{folder}/kustomization.yaml"), kustomization.to_string()));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, Some(&**text))).collect();
    Ok(revision(&repo.commit_files("main", &files, "the fleet").await?))
}

/// Pushes another value of one unit's ConfigMap; gives the revision.
pub(crate) async fn push_value(
    repo: &Repo,
    number: usize,
    of: usize,
    value: &str,
) -> Result<String> {
    let text = settings(number, of, value).to_string();
    let files = [(&*settings_path(number), Some(&*text))];
    Ok(revision(&repo.commit_files("main", &files, "one value").await?))
}

fn revision(commit: &str) -> String {
    format!("main@sha1:{commit}")
}

/// The source.
pub(crate) fn source(repo: &Repo) -> Value {
    json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": SOURCE, "namespace": NAMESPACE},
        "spec": {"interval": "1h", "url": repo.url(), "ref": {"branch": "main"},
            "secretRef": {"name": CREDENTIALS}}})
}

/// The Kustomization of a unit.
pub(crate) fn kustomization_of(number: usize, after: Option<usize>) -> Value {
    let depends_on: Vec<Value> = after.iter().map(|other| json!({"name": unit(*other)})).collect();
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": unit(number), "namespace": NAMESPACE},
        "spec": {"interval": "1h", "path": format!("./units/{}", unit(number)), "prune": true,
            "wait": true, "sourceRef": {"kind": "GitRepository", "name": SOURCE},
            "dependsOn": depends_on}})
}

/// Asks for a reconciliation, as a webhook receiver or `flux reconcile` does.
pub(crate) async fn request(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    name: &str,
    token: &str,
) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
    cluster.merge(gvk, NAMESPACE, name, &patch, ASKING).await?;
    Ok(())
}
