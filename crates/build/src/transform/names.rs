use capstan_model::GroupVersionKind;
use capstan_yaml::{Scalar, Tag, Value, set_scalar};

use crate::error::BuildError;
use crate::fields::{Field, Made};
use crate::resource::Resource;
use crate::resources::Resources;

/// On which side of a name an affix goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Before it.
    Prefix,
    /// After it.
    Suffix,
}

/// Kinds whose name means something outside the build, so that it stays.
fn keeps_name(gvk: &GroupVersionKind) -> bool {
    matches!(
        (gvk.group.as_str(), gvk.kind.as_str()),
        (_, "CustomResourceDefinition" | "Namespace") | ("apiregistration.k8s.io", "APIService")
    )
}

/// Puts a prefix before, or a suffix after, the names at the fields.
pub(crate) fn affix(
    side: Side,
    affix: &str,
    fields: &[Field],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    for resource in resources.iter_mut() {
        let original = resource.original_gvk();
        if keeps_name(&original) {
            continue;
        }
        for field in fields.iter().filter(|field| field.admits(&original)) {
            one(side, affix, field, resource)?;
        }
    }
    Ok(())
}

fn one(side: Side, affix: &str, field: &Field, resource: &mut Resource) -> Result<(), BuildError> {
    if field.path == "metadata/name" {
        resource.remember_affix(side, affix);
        if !affix.is_empty() {
            resource.remember_id();
        }
    }
    if !field.admits(&resource.gvk()) {
        return Ok(());
    }
    let change = &mut |value: &mut Value| {
        let Some(text) = value.written() else {
            return Err("wrong node kind: expected a scalar".to_owned());
        };
        let text = match side {
            Side::Prefix => format!("{affix}{text}"),
            Side::Suffix => format!("{text}{affix}"),
        };
        set_scalar(value, Scalar::bare(text));
        Ok(())
    };
    let done = field.visit(&mut resource.value, Made::Scalar(Tag::Text), change);
    done.map_err(|error| field.fault(resource, &error))
}
