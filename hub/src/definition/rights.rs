//! The hub's own rights over composites and claims. Their groups are the users' choice, so no fixed role can name them: the
//! hub keeps the one role that it may widen in step with the XRDs.

use std::sync::Arc;

use capstan_cluster::ClusterError;
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

use crate::object::text;
use crate::world::World;
use crate::{APPLY, kinds};

/// The role that `deploy/hub` binds to the hub without any rules.
const ROLE: &str = "capstan-hub-composites";

/// Writes the role, if it is not what the XRDs need.
pub(super) async fn grant(world: &Arc<World>) -> Result<(), ClusterError> {
    let gvk = GroupVersionKind::new("rbac.authorization.k8s.io", "v1", "ClusterRole");
    let wanted = role(&world.watch(&kinds::definition()).all());
    let there = world.cluster.get(&gvk, "", ROLE).await?;
    let rules = |role: &Manifest| role.value().get("rules").cloned().unwrap_or(Value::Null);
    if there.is_some_and(|there| rules(&there) == rules(&wanted)) {
        return Ok(());
    }
    world.cluster.apply(&wanted, APPLY).await.map(drop)
}

fn role(xrds: &[Arc<Manifest>]) -> Manifest {
    let mut groups: Vec<_> = xrds.iter().map(|xrd| text(xrd, "/spec/group").to_owned()).collect();
    // A faulty XRD grants nothing: neither an empty group, which is the core one, nor all groups.
    groups.retain(|group| group.contains('.') && !group.contains('*'));
    groups.sort();
    groups.dedup();
    let rules = if groups.is_empty() {
        json!([])
    } else {
        json!([{"apiGroups": groups, "resources": ["*"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}])
    };
    let value = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": ROLE}, "rules": rules});
    Manifest::try_from(value).expect("an object of ours is complete")
}

#[cfg(test)]
mod tests {
    use super::role;
    use capstan_model::Manifest;
    use serde_json::{Value, json};
    use std::sync::Arc;

    #[test]
    fn each_group_is_granted_once_and_nothing_else() {
        let xrd = |group: &str| {
            let value = json!({"apiVersion": "a/v1", "kind": "X", "metadata": {"name": "x"},
                "spec": {"group": group}});
            Arc::new(Manifest::try_from(value).expect("valid"))
        };
        let rules = |xrds: &[_]| role(xrds).value()["rules"].clone();
        let some = rules(&[xrd("b.example.com"), xrd("a.example.com"), xrd("b.example.com")]);
        assert_eq!(some[0]["apiGroups"], json!(["a.example.com", "b.example.com"]));
        assert_eq!(rules(&[xrd(""), xrd("*")]), Value::Array(Vec::new()));
    }
}
