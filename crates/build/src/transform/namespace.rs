use capstan_yaml::{Map, Scalar, Tag, Value, set_scalar};
use serde::Deserialize;

use super::contents::contents;
use crate::error::BuildError;
use crate::fields::{Field, Made};
use crate::resource::Resource;
use crate::resources::Resources;
use crate::scope::is_cluster_scoped;

/// A namespace, and where it goes beside `metadata.namespace`.
pub(crate) struct Rule<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) fields: &'a [Field],
    /// Only where there is none.
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

/// Which subjects of role bindings move along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Subjects {
    /// Those named `default`; the others follow their own object.
    #[default]
    #[serde(alias = "")]
    DefaultOnly,
    /// Every ServiceAccount.
    AllServiceAccounts,
    /// None.
    None,
}

/// Moves every namespaced object to the namespace, and what names a namespace along with it.
pub(crate) fn set(rule: &Rule<'_>, resources: &mut Resources) -> Result<(), BuildError> {
    if rule.namespace.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        resource.remember_id();
        rule.apply(resource)?;
    }
    let Some((again, _)) = resources.first_repeated(0) else { return Ok(()) };
    let id = resources.get_mut(again).id();
    Err(BuildError::new(format!("namespace transformation produces ID conflict: {id}")).hint(
        format!(
            "two objects differed only by their namespace, which is now `{}`; rename one of them",
            rule.namespace
        ),
    ))
}

impl Rule<'_> {
    /// Sets the namespace in one object.
    pub(crate) fn apply(&self, resource: &mut Resource) -> Result<(), BuildError> {
        let gvk = resource.gvk();
        if !is_cluster_scoped(&gvk.group, &gvk.version, &gvk.kind) {
            let field = Field::everywhere("metadata/namespace");
            let set = &mut |value: &mut Value| {
                self.set_value(value);
                Ok(())
            };
            field
                .visit(&mut resource.value, Made::Scalar(Tag::None), set)
                .map_err(BuildError::new)?;
        }
        let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
        let subjects = is_binding.then(|| resource.value.get("subjects").cloned()).flatten();
        if is_binding {
            self.move_subjects(&mut resource.value);
        }
        let is_core = resource.text("/apiVersion") == "v1";
        for field in self.fields.iter().filter(|field| field.admits(&gvk)) {
            let is_name = field.path == "metadata/name";
            let is_subject = field.path == "subjects/namespace" && !field.kind.is_empty();
            if field.path != "metadata/namespace"
                && (is_core || !is_name)
                && !(is_binding && is_subject)
            {
                self.set_field(field, resource, subjects.as_ref())?;
            }
        }
        Ok(())
    }

    /// Sets one field. `subjects`: those of a role binding before they moved.
    fn set_field(
        &self,
        field: &Field,
        resource: &mut Resource,
        subjects: Option<&Value>,
    ) -> Result<(), BuildError> {
        let set = &mut |value: &mut Value| {
            let kind = match value {
                Value::Array(_) => "SequenceNode",
                Value::Object(_) => "MappingNode",
                Value::Scalar(_) => {
                    self.set_value(value);
                    return Ok(());
                }
            };
            let before = subjects.filter(|_| field.path == "subjects").unwrap_or(value);
            let contents = contents(value, before);
            Err(format!("expected ScalarNode but got {kind}: node contents:\n{contents}"))
        };
        let id = resource.id();
        field.visit(&mut resource.value, Made::Scalar(Tag::Text), set).map_err(|error| {
            let doing = if error.starts_with("expected ScalarNode") {
                "namespace field specs must target scalar nodes"
            } else {
                "namespace transformation failed"
            };
            let message = format!("{doing}: considering field '{}' of object {id}", field.path);
            BuildError::new(format!("{message}: wrong node kind: {error}"))
        })
    }

    fn set_value(&self, value: &mut Value) {
        let is_unset = value.text() == Some("");
        if is_unset || !self.unset_only {
            set_scalar(value, Scalar::typed(self.namespace.to_owned(), Tag::Text));
        }
    }

    fn move_subjects(&self, binding: &mut Value) {
        let (field, text) = match self.subjects {
            Subjects::DefaultOnly => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
            Subjects::None => return,
        };
        let Some(Value::Array(subjects)) = binding.get_mut("subjects") else { return };
        for subject in subjects.iter_mut().filter_map(Value::as_object_mut) {
            if subject.get(field).and_then(Value::text) == Some(text) {
                self.move_subject(subject);
            }
        }
    }

    fn move_subject(&self, subject: &mut Map) {
        self.set_value(subject.entry("namespace".to_owned()).or_insert_with(|| Value::bare("")));
    }
}
