//! CustomResourceDefinitions built from Rust types: one source for what we read and what the API server accepts.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresourceStatus,
    CustomResourceSubresources, CustomResourceValidation, JSONSchemaProps,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// Is a kind's object in a namespace?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Objects live in namespaces.
    Namespaced,
    /// Objects belong to the cluster.
    Cluster,
}

/// What a CRD is made of, apart from its versions.
#[derive(Clone, Debug)]
pub struct Crd {
    /// API group.
    pub group: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural resource name, lower case.
    pub plural: &'static str,
    /// Short names for command lines.
    pub short_names: &'static [&'static str],
    /// Categories, such as `all` or `managed`.
    pub categories: &'static [&'static str],
    /// Namespaced or cluster-scoped.
    pub scope: Scope,
    /// Labels of the CRD object.
    pub labels: &'static [(&'static str, &'static str)],
    /// The versions; all are served without conversion, the first is stored.
    pub versions: Vec<Version>,
}

/// One version of a kind.
#[derive(Clone, Debug)]
pub struct Version {
    /// `v1`, `v1beta2`, …
    pub name: &'static str,
    /// Schema of the whole object: see [`object_schema`].
    pub schema: JSONSchemaProps,
    /// Printer columns.
    pub columns: Vec<Column>,
}

/// A printer column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Heading.
    pub name: &'static str,
    /// JSON path, beginning with a dot.
    pub path: &'static str,
    /// `string`, `integer`, `date`, …
    pub type_: &'static str,
    /// 0 is always shown, 1 only with `-o wide`.
    pub priority: i32,
}

impl Column {
    /// A column of text that is always shown.
    pub const fn text(name: &'static str, path: &'static str) -> Self {
        Self { name, path, type_: "string", priority: 0 }
    }

    /// The usual age column.
    pub const AGE: Self =
        Self { name: "Age", path: ".metadata.creationTimestamp", type_: "date", priority: 0 };
}

/// The schema of a type, structural as Kubernetes wants it: no references, no `$defs`.
pub fn schema_for<T: JsonSchema>() -> JSONSchemaProps {
    let schema = SchemaSettings::openapi3()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .with_transform(kube_core::schema::StructuralSchemaRewriter)
        .into_generator()
        .into_root_schema_for::<T>();
    let mut value = schema.to_value();
    drop_rust_words(&mut value);
    serde_json::from_value(value).expect("a structural schema is a JSONSchemaProps")
}

/// Takes out what Rust's types say and a Go type does not: an API server drops a null of an optional field by itself, and a title
/// is no part of an API.
fn drop_rust_words(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(map) => {
            // A property may be called so: then it is a schema, and no word.
            map.retain(|key, value| match key.as_str() {
                "nullable" => !value.is_boolean(),
                "title" => !value.is_string(),
                _ => true,
            });
            map.values_mut().for_each(drop_rust_words);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_rust_words),
        _ => {}
    }
}

/// The schema of an object with a spec and a status.
pub fn object_schema(spec: JSONSchemaProps, status: JSONSchemaProps) -> JSONSchemaProps {
    let text = || JSONSchemaProps { type_: Some("string".to_owned()), ..Default::default() };
    let metadata = JSONSchemaProps { type_: Some("object".to_owned()), ..Default::default() };
    let properties = [
        ("apiVersion", text()),
        ("kind", text()),
        ("metadata", metadata),
        ("spec", spec),
        ("status", status),
    ];
    JSONSchemaProps {
        type_: Some("object".to_owned()),
        properties: Some(properties.map(|(k, v)| (k.to_owned(), v)).into_iter().collect()),
        ..Default::default()
    }
}

impl Crd {
    /// The object to apply. Every version has a status subresource.
    pub fn build(self) -> CustomResourceDefinition {
        let strings = |list: &[&str]| {
            (!list.is_empty()).then(|| list.iter().map(|&text| text.to_owned()).collect())
        };
        let labels: BTreeMap<_, _> =
            self.labels.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        let versions = self.versions.into_iter().enumerate();
        CustomResourceDefinition {
            metadata: ObjectMeta {
                name: Some(format!("{}.{}", self.plural, self.group)),
                labels: (!labels.is_empty()).then_some(labels),
                ..Default::default()
            },
            spec: CustomResourceDefinitionSpec {
                group: self.group.to_owned(),
                names: CustomResourceDefinitionNames {
                    kind: self.kind.to_owned(),
                    list_kind: Some(format!("{}List", self.kind)),
                    plural: self.plural.to_owned(),
                    singular: Some(self.kind.to_lowercase()),
                    short_names: strings(self.short_names),
                    categories: strings(self.categories),
                },
                scope: match self.scope {
                    Scope::Namespaced => "Namespaced".to_owned(),
                    Scope::Cluster => "Cluster".to_owned(),
                },
                versions: versions.map(|(index, version)| version.build(index == 0)).collect(),
                ..Default::default()
            },
            status: None,
        }
    }
}

impl Version {
    fn build(self, storage: bool) -> CustomResourceDefinitionVersion {
        let columns = self.columns.iter().map(|column| CustomResourceColumnDefinition {
            name: column.name.to_owned(),
            json_path: column.path.to_owned(),
            type_: column.type_.to_owned(),
            priority: (column.priority != 0).then_some(column.priority),
            ..Default::default()
        });
        CustomResourceDefinitionVersion {
            name: self.name.to_owned(),
            served: true,
            storage,
            schema: Some(CustomResourceValidation { open_api_v3_schema: Some(self.schema) }),
            subresources: Some(CustomResourceSubresources {
                status: Some(CustomResourceSubresourceStatus(serde_json::json!({}))),
                scale: None,
            }),
            additional_printer_columns: (!self.columns.is_empty()).then(|| columns.collect()),
            ..Default::default()
        }
    }
}
