//! CompositeResourceDefinitions, and the CRDs that they become.

mod schema;

use capstan_model::{GroupVersionKind, Manifest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An XRD, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Xrd {
    /// Its name, which is its composite CRD's name.
    pub name: String,
    /// API group of composites and claims.
    pub group: String,
    /// Names of the composite kind.
    pub names: Names,
    /// Names of the claim kind; absent when there are no claims.
    pub claim_names: Option<Names>,
    /// Keys that connection Secrets may have; all when empty.
    pub connection_secret_keys: Vec<String>,
    /// The Composition of composites that ask for none.
    pub default_composition: Option<String>,
    /// The Composition of all composites, whatever they ask for.
    pub enforced_composition: Option<String>,
    /// In the order that they are written.
    pub versions: Vec<Version>,
    default_update_policy: Option<String>,
    default_delete_policy: Option<String>,
    conversion: Option<Value>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
}

/// Names of a kind, as in a CRD.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Names {
    /// CamelCase kind.
    pub kind: String,
    /// Resource name.
    pub plural: String,
    /// Lower-case kind.
    pub singular: Option<String>,
    /// Kind of lists.
    pub list_kind: Option<String>,
    /// For command lines.
    pub short_names: Vec<String>,
    /// Groups of kinds for command lines.
    pub categories: Vec<String>,
}

/// One version of the kinds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Version {
    /// `v1beta1`.
    pub name: String,
    /// Is it served?
    pub served: bool,
    /// Is it the version that Compositions use? One must be.
    pub referenceable: bool,
    deprecated: Option<bool>,
    deprecation_warning: Option<String>,
    schema: Option<Schema>,
    additional_printer_columns: Option<Vec<Value>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Schema {
    #[serde(rename = "openAPIV3Schema")]
    open_api: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    group: String,
    names: Names,
    claim_names: Option<Names>,
    connection_secret_keys: Option<Vec<String>>,
    default_composition_ref: Option<Ref>,
    enforced_composition_ref: Option<Ref>,
    default_composition_update_policy: Option<String>,
    default_composite_delete_policy: Option<String>,
    versions: Vec<Version>,
    conversion: Option<Value>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Ref {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    labels: Option<Map<String, Value>>,
    annotations: Option<Map<String, Value>>,
}

/// Why an XRD cannot become CRDs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum XrdError {
    /// The document does not have the form of an XRD.
    #[error("XRD `{name}` cannot be read: spec: {message}")]
    Form {
        /// Its name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A field is absent or wrong; the sentence says which.
    #[error("XRD `{name}`: spec.{problem}")]
    Field {
        /// Its name.
        name: String,
        /// The field and what it should be.
        problem: String,
    },
}

impl Xrd {
    /// Reads an XRD and checks what its CRDs need.
    pub fn parse(object: &Manifest) -> Result<Self, XrdError> {
        let name = object.name().to_owned();
        let spec = object.value().get("spec").cloned().unwrap_or_default();
        let spec: Spec = serde_json::from_value(spec)
            .map_err(|error| XrdError::Form { name: name.clone(), message: error.to_string() })?;
        check(&name, &spec)?;
        let metadata = spec.metadata.unwrap_or_default();
        let own = object.value().pointer("/metadata/labels").and_then(Value::as_object);
        let mut labels = own.cloned().unwrap_or_default();
        labels.extend(metadata.labels.unwrap_or_default());
        Ok(Self {
            group: spec.group,
            names: spec.names,
            claim_names: spec.claim_names,
            connection_secret_keys: spec.connection_secret_keys.unwrap_or_default(),
            default_composition: spec.default_composition_ref.map(|r| r.name),
            enforced_composition: spec.enforced_composition_ref.map(|r| r.name),
            default_update_policy: spec.default_composition_update_policy,
            default_delete_policy: spec.default_composite_delete_policy,
            versions: spec.versions,
            conversion: spec.conversion,
            labels,
            annotations: metadata.annotations.unwrap_or_default(),
            name,
        })
    }

    /// The version that Compositions use.
    pub fn referenceable(&self) -> &Version {
        let found = self.versions.iter().find(|version| version.referenceable);
        found.expect("a parsed XRD has exactly one referenceable version")
    }

    /// Group, referenceable version and kind of composites.
    pub fn composite_gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(&self.group, &self.referenceable().name, &self.names.kind)
    }

    /// Group, referenceable version and kind of claims.
    pub fn claim_gvk(&self) -> Option<GroupVersionKind> {
        let names = self.claim_names.as_ref()?;
        Some(GroupVersionKind::new(&self.group, &self.referenceable().name, &names.kind))
    }

    /// The CRD of composites, cluster-scoped. The XRD as its owner is the caller's to add.
    pub fn composite_crd(&self) -> Value {
        self.crd(&self.names, "composite", "Cluster", |version| {
            self.version(
                version,
                &schema::composite(self.default_update_policy.as_deref()),
                COMPOSITE_COLUMNS,
            )
        })
    }

    /// The CRD of claims, namespaced; `None` when the XRD has none.
    pub fn claim_crd(&self) -> Option<Value> {
        let names = self.claim_names.as_ref()?;
        let injected = schema::claim(
            self.default_update_policy.as_deref(),
            self.default_delete_policy.as_deref(),
        );
        Some(self.crd(names, "claim", "Namespaced", |version| {
            self.version(version, &injected, CLAIM_COLUMNS)
        }))
    }

    fn crd(
        &self,
        names: &Names,
        category: &str,
        scope: &str,
        version: impl Fn(&Version) -> Value,
    ) -> Value {
        let mut metadata = json!({"name": format!("{}.{}", names.plural, self.group)});
        for (key, map) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !map.is_empty() {
                metadata[key] = Value::Object(map.clone());
            }
        }
        let mut spec = json!({
            "group": self.group,
            "names": names.to_value(category),
            "scope": scope,
            "versions": self.versions.iter().map(version).collect::<Vec<_>>(),
        });
        if let Some(conversion) = &self.conversion {
            spec["conversion"] = conversion.clone();
        }
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": metadata,
            "spec": spec,
        })
    }

    fn version(
        &self,
        version: &Version,
        injected: &Map<String, Value>,
        columns: [(&str, &str, &str); 4],
    ) -> Value {
        let author = version.schema.as_ref().and_then(|schema| schema.open_api.as_ref());
        let own = version.additional_printer_columns.clone().unwrap_or_default();
        let ours = columns
            .map(|(name, type_, path)| json!({"name": name, "type": type_, "jsonPath": path}));
        let mut value = json!({
            "name": version.name,
            "served": version.served,
            "storage": version.referenceable,
            "schema": {"openAPIV3Schema": schema::whole(author.unwrap_or(&Value::Null), injected)},
            "subresources": {"status": {}},
            "additionalPrinterColumns": own.into_iter().chain(ours).collect::<Vec<_>>(),
        });
        if version.deprecated == Some(true) {
            value["deprecated"] = true.into();
        }
        if let Some(warning) = &version.deprecation_warning {
            value["deprecationWarning"] = warning.clone().into();
        }
        value
    }
}

const SYNCED: (&str, &str, &str) =
    ("SYNCED", "string", ".status.conditions[?(@.type=='Synced')].status");
const READY: (&str, &str, &str) =
    ("READY", "string", ".status.conditions[?(@.type=='Ready')].status");
const AGE: (&str, &str, &str) = ("AGE", "date", ".metadata.creationTimestamp");

const COMPOSITE_COLUMNS: [(&str, &str, &str); 4] =
    [SYNCED, READY, ("COMPOSITION", "string", ".spec.compositionRef.name"), AGE];
const CLAIM_COLUMNS: [(&str, &str, &str); 4] =
    [SYNCED, READY, ("CONNECTION-SECRET", "string", ".spec.writeConnectionSecretToRef.name"), AGE];

impl Names {
    fn to_value(&self, category: &str) -> Value {
        let mut categories = self.categories.clone();
        if !categories.iter().any(|known| known == category) {
            categories.push(category.to_owned());
        }
        let mut names = json!({
            "kind": self.kind,
            "listKind": self.list_kind.clone().unwrap_or_else(|| format!("{}List", self.kind)),
            "plural": self.plural,
            "singular": self.singular.clone().unwrap_or_else(|| self.kind.to_lowercase()),
            "categories": categories,
        });
        if !self.short_names.is_empty() {
            names["shortNames"] = json!(self.short_names);
        }
        names
    }
}

fn check(name: &str, spec: &Spec) -> Result<(), XrdError> {
    let fail = |problem: String| Err(XrdError::Field { name: name.to_owned(), problem });
    if spec.group.is_empty() || spec.names.kind.is_empty() || spec.names.plural.is_empty() {
        return fail("group, names.kind and names.plural are required".to_owned());
    }
    let wanted = format!("{}.{}", spec.names.plural, spec.group);
    if name != wanted {
        return fail(format!("names.plural and group must make the XRD's name, here `{wanted}`"));
    }
    let referenceable = spec.versions.iter().filter(|version| version.referenceable).count();
    if referenceable != 1 {
        return fail(format!("versions: exactly one must be referenceable, {referenceable} are"));
    }
    for (index, version) in spec.versions.iter().enumerate() {
        if version.schema.as_ref().is_none_or(|schema| schema.open_api.is_none()) {
            return fail(format!("versions[{index}].schema.openAPIV3Schema is required"));
        }
    }
    let Some(claim) = &spec.claim_names else { return Ok(()) };
    if claim.kind.is_empty() || claim.plural.is_empty() {
        return fail("claimNames.kind and claimNames.plural are required".to_owned());
    }
    for (field, ours, theirs) in [
        ("kind", Some(&claim.kind), Some(&spec.names.kind)),
        ("plural", Some(&claim.plural), Some(&spec.names.plural)),
        ("singular", claim.singular.as_ref(), spec.names.singular.as_ref()),
        ("listKind", claim.list_kind.as_ref(), spec.names.list_kind.as_ref()),
    ] {
        if let Some(same) = ours.filter(|ours| Some(*ours) == theirs) {
            return fail(format!("claimNames.{field}: `{same}` is the composite's too"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
