//! Object: one Kubernetes object, applied server-side and kept as it was written.

use std::collections::HashMap;
use std::sync::Mutex;

use capstan_cloud::{Class, CloudError};
use capstan_cluster::{ApplyOptions, ClusterError, DeleteOptions};
use capstan_model::Manifest;
use capstan_provision::{
    Context, CreateClass, Created, Drift, InitialName, Kind, KindMeta, Observed, Present, State,
    fault,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::difference;
use super::remote::Remote;
use crate::crd::{DeletionPolicy, ManagementAction, SecretRef, default_config};
use crate::refs::Ref;

/// Who owns the applied fields.
const FIELD_MANAGER: &str = "provider-kubernetes";

/// The kind `Object`.
///
/// What was applied last is remembered, because a key that was removed from the manifest cannot be seen by comparing. After
/// a restart each object is applied once.
#[derive(Debug, Default)]
pub struct Object {
    applied: Mutex<HashMap<String, String>>,
}

/// What is wanted: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The object to apply.
    #[schemars(schema_with = "embedded")]
    pub manifest: Value,
}

/// What is there: `status.atProvider`. The data of a Secret is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// The object as it is.
    #[schemars(schema_with = "embedded")]
    pub manifest: Value,
}

/// `spec` of an Object, for both versions: v1alpha1 writes `managementPolicy`, v1alpha2 `managementPolicies`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectSpec {
    /// What becomes of the object when this one is deleted.
    #[serde(default)]
    deletion_policy: DeletionPolicy,
    /// The object as it shall be.
    for_provider: Spec,
    /// What may be done to the object; empty pauses. Absent means everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    management_policies: Option<Vec<ManagementAction>>,
    /// The older way to say what may be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Default", "ObserveCreateUpdate", "ObserveDelete", "Observe"]))]
    management_policy: Option<String>,
    /// Names the ProviderConfig: how the cluster is reached.
    #[serde(default = "default_config")]
    provider_config_ref: Ref,
    /// The Secret that connection details are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_connection_secret_to_ref: Option<SecretRef>,
}

fn embedded(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "description": "A Kubernetes object.",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

impl Kind for Object {
    const META: KindMeta = KindMeta {
        group: super::GROUP,
        version: "v1alpha2",
        kind: "Object",
        plural: "objects",
        create: CreateClass::Named,
        initial_external_name: InitialName::MetadataName,
    };
    type Spec = Spec;
    type Status = Observation;
    type Provider = Remote;

    async fn observe(&self, cx: &Context<'_, Self>) -> Result<Observed<Observation>, CloudError> {
        let wanted = manifest(cx)?;
        let live = cx
            .clients
            .cluster
            .get(&wanted.gvk(), wanted.namespace(), wanted.name())
            .await
            .map_err(|cause| kind_fault(&cause))?;
        let Some(live) = live else { return Ok(Observed::Absent) };
        Ok(Observed::present(self.present(cx.uid, &wanted, &live)))
    }

    async fn create(&self, cx: &Context<'_, Self>) -> Result<Created, CloudError> {
        self.apply(cx).await?;
        Ok(Created::default())
    }

    async fn update(&self, cx: &Context<'_, Self>, _: &[Drift]) -> Result<(), CloudError> {
        self.apply(cx).await
    }

    async fn delete(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        let wanted = manifest(cx)?;
        let options = DeleteOptions::default();
        cx.clients
            .cluster
            .delete(&wanted.gvk(), wanted.namespace(), wanted.name(), &options)
            .await
            .map_err(|cause| fault(&cause))?;
        self.applied().remove(cx.uid);
        Ok(())
    }
}

impl Object {
    async fn apply(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        let wanted = manifest(cx)?;
        let options = ApplyOptions { field_manager: FIELD_MANAGER, force: true, dry_run: false };
        let live =
            cx.clients.cluster.apply(&wanted, options).await.map_err(|cause| kind_fault(&cause))?;
        self.applied().insert(cx.uid.to_owned(), mark(&wanted, &live));
        Ok(())
    }

    fn present(&self, uid: &str, wanted: &Manifest, live: &Manifest) -> Present<Observation> {
        let state = if live.is_deleting() { State::Deleting } else { State::Ready };
        let created = live.value().pointer("/metadata/creationTimestamp").and_then(Value::as_str);
        Present {
            diff: self.drift(uid, wanted, live).into_iter().collect(),
            created_at: created.and_then(|text| text.parse().ok()),
            ..Present::new(Observation { manifest: shown(live) }, state)
        }
    }

    /// Nothing differs from an object that is as our last apply left it, whatever form the server keeps its values in.
    fn drift(&self, uid: &str, wanted: &Manifest, live: &Manifest) -> Option<Drift> {
        let applied = self.applied().get(uid).cloned();
        if applied.as_ref() == Some(&mark(wanted, live)) || live.is_deleting() {
            return None;
        }
        let differs = difference(wanted.value(), live.value());
        let edited = applied.is_none_or(|mark| !mark.starts_with(&wanted.digest()));
        if differs.is_none() && !edited {
            return None;
        }
        let place = differs.map(|place| format!("manifest.{place}"));
        Some(Drift {
            field: place.unwrap_or_else(|| "manifest".to_owned()),
            wanted: json!("as written"),
            found: json!("something else"),
            immutable: false,
        })
    }

    fn applied(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.applied.lock().expect("no holder of this lock can panic")
    }
}

/// What was applied, and what it became.
fn mark(wanted: &Manifest, live: &Manifest) -> String {
    format!("{} {} {}", wanted.digest(), live.uid(), live.resource_version())
}

/// The manifest with a name: its own, or the Object's.
fn manifest(cx: &Context<'_, Object>) -> Result<Manifest, CloudError> {
    let mut value = cx.spec.manifest.clone();
    let named =
        value.pointer("/metadata/name").and_then(Value::as_str).is_some_and(|n| !n.is_empty());
    if !named && value.is_object() {
        if !value["metadata"].is_object() {
            value["metadata"] = json!({});
        }
        value["metadata"]["name"] = cx.external_name.unwrap_or(cx.name).into();
    }
    Manifest::try_from(value).map_err(|cause| {
        CloudError::invalid(
            "kubernetes",
            "read manifest",
            format!("spec.forProvider.manifest: {cause}"),
        )
    })
}

/// A kind that a cluster does not serve may come with the next CRD.
fn kind_fault(cause: &ClusterError) -> CloudError {
    match cause {
        ClusterError::NoSuchKind(_) => {
            CloudError::new("kubernetes", "apply", Class::NotYet, cause.to_string())
        }
        cause => fault(cause),
    }
}

/// The object for the status: without what only machines read, and without secrets.
fn shown(live: &Manifest) -> Value {
    let mut value = live.value().clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    if live.gvk().group.is_empty()
        && live.kind() == "Secret"
        && let Some(map) = value.as_object_mut()
    {
        map.remove("data");
        map.remove("stringData");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{Object, mark, shown};
    use capstan_model::Manifest;
    use capstan_provision::State;
    use serde_json::{Value, json};

    #[expect(clippy::needless_pass_by_value, reason = "every caller writes the value in place")]
    fn object(parts: Value) -> Manifest {
        let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        for (key, part) in parts.as_object().expect("a map") {
            value[key] = part.clone();
        }
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn a_live_edit_and_a_removed_key_are_drift() {
        let kind = Object::default();
        let wanted = object(json!({"data": {"k": "v"}}));
        let live = |data: Value, version: &str| {
            object(
                json!({"data": data, "metadata": {"name": "a", "uid": "u", "resourceVersion": version}}),
            )
        };
        let before = live(json!({"k": "v"}), "1");
        let drifts = |wanted: &Manifest, live: &Manifest| {
            kind.present("uid", wanted, live).diff.into_iter().map(|d| d.field).collect::<Vec<_>>()
        };
        assert_eq!(drifts(&wanted, &before), ["manifest"], "after a restart it is applied once");
        kind.applied().insert("uid".to_owned(), mark(&wanted, &before));
        assert_eq!(drifts(&wanted, &before), [""; 0]);
        assert_eq!(drifts(&wanted, &live(json!({"k": "v", "more": "x"}), "2")), [""; 0]);
        assert_eq!(drifts(&wanted, &live(json!({"k": "edited"}), "3")), ["manifest.data.k"]);
        let fewer = object(json!({}));
        assert_eq!(drifts(&fewer, &before), ["manifest"], "a key was removed from the manifest");
    }

    #[test]
    fn a_namespace_that_terminates_is_being_deleted() {
        let live =
            object(json!({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}}));
        let present = Object::default().present("uid", &object(json!({})), &live);
        assert_eq!(present.state, State::Deleting);
        assert!(present.diff.is_empty());
    }

    #[test]
    fn no_secret_reaches_a_status() {
        let secret = object(json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}}));
        assert!(!shown(&secret).to_string().contains("aHVudGVyMg"));
    }
}
