//! Objects that others hold, share, or keep from being deleted; and a Git server that is away.

use anyhow::{Context, Result, ensure};
use capstan_cluster::ClusterError;
use capstan_e2e::look::kind;
use capstan_kit::wait_until;
use serde_json::{Value, json};

use crate::fleet::{Fleet, SOON, config_map, config_map_kind, source_kind};

/// Replicas that Git does not name are the autoscaler's, also when the rest of the object changes.
pub(crate) async fn are_shared_with_an_autoscaler(fleet: &Fleet) -> Result<()> {
    let deployment = |image: &str| {
        let labels = json!({"app": "web"});
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": fleet.name},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]}}}})
        .to_string()
    };
    let commit = fleet.push(&[("web.yaml", Some(&deployment("nginx:1")))]).await?;
    fleet.ended(&commit).await?;
    let gvk = kind("apps/v1", "Deployment");
    let scaled = json!({"spec": {"replicas": 5}});
    fleet.cluster().merge(&gvk, fleet.name, "web", &scaled, "horizontal-pod-autoscaler").await?;
    let commit = fleet.push(&[("web.yaml", Some(&deployment("nginx:2")))]).await?;
    fleet.ended(&commit).await?;
    let web = fleet.cluster().get(&gvk, fleet.name, "web").await?.context("it is gone")?;
    let spec = &web.value()["spec"];
    let image = &spec["template"]["spec"]["containers"][0]["image"];
    ensure!(spec["replicas"] == 5 && image == "nginx:2", "{spec}");
    let commit = fleet.push(&[("web.yaml", None)]).await?;
    fleet.ended(&commit).await
}

/// A finalizer holds what is pruned: the unit names it, everything else goes on, and it ends when the finalizer is gone.
pub(crate) async fn are_held(fleet: &Fleet) -> Result<()> {
    let held = config_map(fleet.name, "held", "x");
    let commit = fleet.push(&[("held.yaml", Some(&held))]).await?;
    fleet.ended(&commit).await?;
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    let hold = finalizers(json!(["example.org/held"]));
    fleet.cluster().merge(&config_map_kind(), fleet.name, "held", &hold, "somebody").await?;
    let news = config_map(fleet.name, "news", "x");
    let commit = fleet.push(&[("held.yaml", None), ("news.yaml", Some(&news))]).await?;
    let waits = ("Healthy", "Unknown", "Progressing", &["1 objects to be deleted"][..]);
    let place = ("flux-system", fleet.name);
    capstan_e2e::look::told(fleet.cluster(), &crate::fleet::unit_kind(), place, waits, SOON)
        .await?;
    fleet.says("news", "x").await?;
    let inventory = fleet.inventory("ConfigMap").await?;
    ensure!(inventory.contains("held"), "forgotten while it is there: {inventory:?}");
    let let_go = finalizers(Value::Null);
    fleet.cluster().merge(&config_map_kind(), fleet.name, "held", &let_go, "somebody").await?;
    fleet.ended(&commit).await?;
    ensure!(!fleet.owned().await?.contains("held"), "it is still there");
    Ok(())
}

/// A policy that denies the deletion of one object, from when it is in force.
async fn deny(fleet: &Fleet, name: &str) -> Result<()> {
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "keep"},
        "spec": {"failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                "operations": ["DELETE"], "resources": ["configmaps"]}]},
            "validations": [{"expression": format!("oldObject.metadata.name != '{name}'"),
                "message": "this one stays"}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "keep"},
        "spec": {"policyName": "keep", "validationActions": ["Deny"]}});
    fleet.bare.apply(&format!("{policy}\n---\n{binding}")).await?;
    // A dry run tells when the API server knows of it.
    wait_until("the policy to be in force", SOON, || async {
        let api: kube::Api<kube::api::DynamicObject> = kube::Api::namespaced_with(
            fleet.bare.plane.client(),
            fleet.name,
            &kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
                "",
                "v1",
                "ConfigMap",
            )),
        );
        let dry = kube::api::DeleteParams { dry_run: true, ..Default::default() };
        match api.delete(name, &dry).await {
            Err(kube::Error::Api(status)) if status.message.contains("this one stays") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

/// Admission denies a deletion: that is said, and the object is not forgotten.
pub(crate) async fn may_not_be_deleted(fleet: &Fleet) -> Result<()> {
    let denied = config_map(fleet.name, "denied", "x");
    let commit = fleet.push(&[("denied.yaml", Some(&denied))]).await?;
    fleet.ended(&commit).await?;
    deny(fleet, "denied").await?;
    let commit = fleet.push(&[("denied.yaml", None)]).await?;
    fleet
        .refused("PruneFailed", &["ConfigMap", "denied", "delete failed", "this one stays"])
        .await?;
    let inventory = fleet.inventory("ConfigMap").await?;
    ensure!(inventory.contains("denied"), "forgotten while it is there: {inventory:?}");
    let api = "admissionregistration.k8s.io/v1";
    for kept in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
        fleet.cluster().delete(&kind(api, kept), "", "keep", &Default::default()).await?;
    }
    fleet.ended(&commit).await?;
    ensure!(!fleet.owned().await?.contains("denied"), "it is still there");
    Ok(())
}

/// What somebody changes is put right from what was fetched last, for as long as Git is away.
pub(crate) async fn are_put_right_while_git_is_away(fleet: &Fleet) -> Result<()> {
    fleet.bare.git.set_down(true);
    fleet.fetch("while it is away").await?;
    fleet.source_is("False").await?;
    let edit = json!({"data": {"value": "by hand"}});
    let written: Result<_, ClusterError> =
        fleet.cluster().merge(&config_map_kind(), fleet.name, "kept", &edit, "kubectl-edit").await;
    written?;
    fleet.says("kept", "good").await?;
    fleet.cluster().delete(&config_map_kind(), fleet.name, "kept", &Default::default()).await?;
    fleet.says("kept", "good").await?;
    fleet.bare.git.set_down(false);
    fleet.fetch("it is back").await?;
    fleet.source_is("True").await
}

/// The branch is set back to an older commit: the cluster follows, and says which commit it is at.
pub(crate) async fn follow_a_history_that_was_rewritten(fleet: &Fleet) -> Result<()> {
    let first = fleet.repo.head("main").await?.context("a branch without a commit")?;
    let later = config_map(fleet.name, "later", "x");
    let commit = fleet.push(&[("later.yaml", Some(&later))]).await?;
    fleet.ended(&commit).await?;
    fleet.repo.run(&["update-ref", "refs/heads/main", &first]).await?;
    fleet.fetch("it was rewritten").await?;
    fleet.ended(&first).await?;
    ensure!(!fleet.owned().await?.contains("later"), "what was taken back is still there");
    let source = fleet.cluster().get(&source_kind(), "flux-system", fleet.name).await?;
    ensure!(source.is_some(), "the source is gone");
    Ok(())
}
