use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};

use crate::args::{Cluster, Reconcile};
use crate::commands::target::{Target, is_suspended};
use crate::connect;
use crate::failure::Failure;
use crate::{out, wait};

/// Flux's annotation: any new value starts a reconciliation.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Asks for a reconciliation and waits for its end.
pub(crate) async fn run(cluster: &Cluster, what: &Reconcile) -> Result<(), Failure> {
    let client = connect::client(cluster).await?;
    let namespace = &cluster.namespace;
    match what {
        Reconcile::Source(source) => {
            one(&client, &Target::source(source, namespace), cluster).await
        }
        Reconcile::Kustomization { name, with_source } => {
            let target = Target::kustomization(name, namespace);
            if *with_source {
                let object = target.get(&client).await?;
                one(&client, &source_of(&object, namespace)?, cluster).await?;
            }
            one(&client, &target, cluster).await
        }
    }
}

/// The source that a Kustomization refers to.
fn source_of(kustomization: &Value, namespace: &str) -> Result<Target, Failure> {
    let reference = &kustomization["spec"]["sourceRef"];
    let text = |key: &str| reference[key].as_str().unwrap_or_default();
    if text("kind") != "GitRepository" {
        let kind = text("kind");
        return Err(Failure::new(format!("a source of kind `{kind}` cannot be fetched on demand"))
            .hint("leave out --with-source"));
    }
    let namespace = match text("namespace") {
        "" => namespace,
        named => named,
    };
    Ok(Target::git_repository(text("name"), namespace))
}

async fn one(client: &Client, target: &Target, cluster: &Cluster) -> Result<(), Failure> {
    let Target { kind, words, name, namespace, .. } = target;
    if is_suspended(&target.get(client).await?) {
        return Err(Failure::new(format!("{kind} {namespace}/{name} is suspended"))
            .hint(format!("resume it first: capstan resume {words} {name} -n {namespace}")));
    }
    out::begin(&format!("annotating {kind} {name} in {namespace} namespace"));
    let requested = Timestamp::now().to_string();
    let patch = json!({"metadata": {"annotations": {REQUESTED_AT: requested}}});
    target.patch(client, &patch).await?;
    out::done(&format!("{kind} annotated"));
    finish(client, target, cluster, Some(&requested)).await
}

/// Waits for the end of a reconciliation and tells the revision that it led to.
pub(crate) async fn finish(
    client: &Client,
    target: &Target,
    cluster: &Cluster,
    requested: Option<&str>,
) -> Result<(), Failure> {
    out::waiting(&format!("waiting for {} reconciliation", target.kind));
    let api = target.api(client);
    let timeout = cluster.timeout.0;
    let object = wait::until_reconciled(api, target.kind, &target.name, requested, timeout).await?;
    let revision = object.pointer(target.revision).and_then(Value::as_str).unwrap_or("none");
    out::done(&format!("{} {revision}", target.outcome));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::source_of;
    use serde_json::json;

    #[test]
    fn the_source_is_in_the_same_namespace_unless_named() {
        let with = |reference: serde_json::Value| json!({"spec": {"sourceRef": reference}});
        let near = with(json!({"kind": "GitRepository", "name": "fleet"}));
        assert_eq!(source_of(&near, "team").expect("a source").namespace, "team");
        let far = with(json!({"kind": "GitRepository", "name": "fleet", "namespace": "other"}));
        assert_eq!(source_of(&far, "team").expect("a source").namespace, "other");
        let bucket = with(json!({"kind": "Bucket", "name": "b"}));
        assert!(source_of(&bucket, "team").is_err());
    }
}
