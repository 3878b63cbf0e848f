use capstan_yaml::{Scalar, Tag, Value, set_scalar};

use crate::error::BuildError;
use crate::fields::{Field, Made};
use crate::kustomization::Replica;
use crate::resources::Resources;

/// Sets the number of replicas of the workloads that have, or had, the name.
pub(crate) fn set(
    replica: &Replica,
    fields: &[Field],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let mut found = false;
    for field in fields {
        for resource in resources.iter_mut() {
            if resource.any_id(|id| id.name == replica.name && field.admits(&id.gvk)) {
                found = true;
                let set = &mut |value: &mut Value| match value {
                    Value::Scalar(_) => {
                        set_scalar(value, Scalar::typed(replica.count.to_string(), Tag::Int));
                        Ok(())
                    }
                    _ => Err("wrong node kind: expected a scalar".to_owned()),
                };
                if field.admits(&resource.gvk()) {
                    field
                        .visit(&mut resource.value, Made::Scalar(Tag::Int), set)
                        .map_err(BuildError::new)?;
                }
            }
        }
    }
    if found {
        return Ok(());
    }
    let or =
        |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let kinds: Vec<_> = fields
        .iter()
        .map(|field| {
            format!(
                "{}.{}.{}",
                or(&field.kind, "[noKind]"),
                or(&field.version, "[noVer]"),
                or(&field.group, "[noGrp]")
            )
        })
        .collect();
    let message = format!(
        "resource with name {} does not match a config with the following GVK [{}]",
        replica.name,
        kinds.join(" ")
    );
    Err(BuildError::new(message).hint("`replicas` scales the workloads of this layer by name"))
}
