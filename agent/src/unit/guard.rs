//! A revision that would delete much stops, where that is asked for, until somebody approves it.

use capstan_cluster::ClusterError;
use capstan_model::Manifest;
use capstan_plan::{Plan, PruneStep};
use capstan_report::Failure;

use super::failure;
use super::run::Run;
use super::{build, target};

/// `enabled` or `disabled` on a Kustomization wins over the agent's flag.
const MODE: &str = "fleet.capstan.dev/prune-guard";
/// The revision whose deletions are approved.
const APPROVED: &str = "fleet.capstan.dev/approve-prune";

/// So many objects may go unasked.
const FEW: usize = 10;
/// So many of a hundred may go unasked.
const SHARE: usize = 30;
/// So many are named in the message.
const NAMED: usize = 10;

/// Refuses a plan that would delete too much.
pub(super) async fn check(run: &Run<'_>, unit: &Manifest, plan: &Plan) -> Result<(), Failure> {
    let is_on = match unit.annotation(MODE) {
        Some(mode) => mode.eq_ignore_ascii_case("enabled"),
        None => run.world.args.prune_guard,
    };
    let revision = run.revision();
    if !is_on || plan.prune.is_empty() || unit.annotation(APPROVED) == Some(&revision) {
        return Ok(());
    }
    let owned = build::inventory(unit).len();
    let why = if plan.prune.len() > allowed(owned) {
        Some(format!("{} of {owned} objects", plan.prune.len()))
    } else {
        with_children(&run.ready.target, &plan.prune).await?
    };
    let Some(why) = why else { return Ok(()) };
    let mut names: Vec<_> = plan.prune.iter().take(NAMED).map(|step| step.id.to_string()).collect();
    if plan.prune.len() > NAMED {
        names.push(format!("and {} more", plan.prune.len() - NAMED));
    }
    let message = format!(
        "revision {revision} would delete {why}: {}. Nothing of it is applied. If it is meant, annotate this Kustomization \
         with {APPROVED}={revision}; if not, put the files back",
        names.join(", ")
    );
    Err(failure("PruneBlocked", message))
}

/// The larger one of both bounds.
fn allowed(owned: usize) -> usize {
    FEW.max(owned * SHARE / 100)
}

/// A definition or a namespace that would take objects along which nobody listed.
async fn with_children(
    target: &target::Target,
    steps: &[PruneStep],
) -> Result<Option<String>, Failure> {
    for step in steps {
        let asked = match (&*step.id.group, &*step.id.kind) {
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                instances(target, step).await.map(|count| (count, "instances"))
            }
            ("", "Namespace") => pods(target, &step.id.name).await.map(|count| (count, "pods")),
            _ => continue,
        };
        let (count, what) = asked.map_err(|error| {
            failure("PruneFailed", format!("{}: cannot tell what it holds: {error}", step.id))
        })?;
        if count > 0 {
            return Ok(Some(format!("{} with {count} {what}", step.id)));
        }
    }
    Ok(None)
}

/// How many objects of the kind are there that a CRD defines.
async fn instances(target: &target::Target, step: &PruneStep) -> Result<usize, ClusterError> {
    let crd = target.cluster.get(&step.gvk(), "", &step.id.name).await?;
    let gvk = crd.as_ref().and_then(|crd| {
        let spec = crd.value().get("spec")?;
        let stored = spec["versions"].as_array()?.iter().find(|v| v["storage"] == true)?;
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let (group, kind) = (text(&spec["group"])?, text(&spec["names"]["kind"])?);
        Some(capstan_model::GroupVersionKind::new(group, text(&stored["name"])?, kind))
    });
    let Some(gvk) = gvk else { return Ok(0) };
    count(target, &gvk, "").await
}

/// How many pods run in a namespace.
async fn pods(target: &target::Target, namespace: &str) -> Result<usize, ClusterError> {
    count(target, &capstan_model::GroupVersionKind::new("", "v1", "Pod"), namespace).await
}

async fn count(
    target: &target::Target,
    gvk: &capstan_model::GroupVersionKind,
    namespace: &str,
) -> Result<usize, ClusterError> {
    match target.cluster.list(gvk, namespace, "").await {
        Ok(list) => Ok(list.len()),
        Err(error) if error.is_no_such_kind() || error.is_not_found() => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn few_or_a_share_may_go() {
        assert_eq!(allowed(0), 10);
        assert_eq!(allowed(33), 10);
        assert_eq!(allowed(34), 10);
        assert_eq!(allowed(100), 30);
    }
}
