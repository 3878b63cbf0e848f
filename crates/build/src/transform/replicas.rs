use serde_json::Value;

use crate::error::BuildError;
use crate::fields::Field;
use crate::kustomization::Replica;
use crate::resources::Resources;

const KINDS: [&str; 4] = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"];

/// Sets the number of replicas of the workloads that have, or had, the name.
pub(super) fn set(replica: &Replica, resources: &mut Resources) -> Result<(), BuildError> {
    let field = Field::everywhere("spec/replicas");
    let mut found = false;
    for resource in resources.iter_mut() {
        let wanted = |kind: &str, name: &str| KINDS.contains(&kind) && name == replica.name;
        if resource.any_id(|id| wanted(&id.gvk.kind, &id.name)) {
            found = true;
            let set = &mut |value: &mut Value| *value = replica.count.into();
            field.visit(&mut resource.value, &Value::Null, set);
        }
    }
    if found {
        return Ok(());
    }
    Err(BuildError::new(format!("no workload `{}` to scale", replica.name))
        .hint(format!("`replicas` knows {}", KINDS.join(", "))))
}
