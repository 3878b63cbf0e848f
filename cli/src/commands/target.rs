use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::Value;

use crate::args::OneSource;
use crate::connect;
use crate::discovery::Kind;
use crate::failure::Failure;

/// Who the changes of this program are by, in `managedFields`.
const FIELD_MANAGER: &str = "capstan-cli";

/// One object of Flux's API.
pub(crate) struct Target {
    /// Kind, as messages name it.
    pub(crate) kind: &'static str,
    /// Kind, as the command line takes it.
    pub(crate) words: &'static str,
    group: &'static str,
    plural: &'static str,
    /// Where the revision stands that a reconciliation led to.
    pub(crate) revision: &'static str,
    /// What that revision is.
    pub(crate) outcome: &'static str,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Target {
    pub(crate) fn kustomization(name: &str, namespace: &str) -> Self {
        Self {
            kind: "Kustomization",
            words: "ks",
            group: "kustomize.toolkit.fluxcd.io",
            plural: "kustomizations",
            revision: "/status/lastAppliedRevision",
            outcome: "applied revision",
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    pub(crate) fn git_repository(name: &str, namespace: &str) -> Self {
        Self {
            kind: "GitRepository",
            words: "source git",
            group: "source.toolkit.fluxcd.io",
            plural: "gitrepositories",
            revision: "/status/artifact/revision",
            outcome: "fetched revision",
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    pub(crate) fn source(source: &OneSource, namespace: &str) -> Self {
        let OneSource::Git { name } = source;
        Self::git_repository(name, namespace)
    }

    /// Both kinds have had one version that everybody serves since Flux 2.0: v1.
    pub(crate) fn api(&self, client: &Client) -> Api<DynamicObject> {
        let kind = Kind {
            group: self.group.to_owned(),
            version: "v1".to_owned(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
            namespaced: true,
            categories: Vec::new(),
        };
        connect::api(client, &kind, Some(&self.namespace))
    }

    /// The object as it is.
    pub(crate) async fn get(&self, client: &Client) -> Result<Value, Failure> {
        let object = self.api(client).get(&self.name).await.map_err(|error| self.explain(error))?;
        Ok(serde_json::to_value(object).expect("because it was read from JSON"))
    }

    /// Changes the object by a merge patch.
    pub(crate) async fn patch(&self, client: &Client, patch: &Value) -> Result<(), Failure> {
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
        let patched = self.api(client).patch(&self.name, &parameters, &Patch::Merge(patch)).await;
        patched.map(|_| ()).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: kube::Error) -> Failure {
        let Self { kind, name, namespace, .. } = self;
        match &error {
            kube::Error::Api(status) if status.code == 404 && status.message.contains(name) => {
                Failure::new(format!("{kind} {name} not found in namespace {namespace}"))
                    .hint("look for it with `capstan get all -A`, and name its namespace with -n")
            }
            kube::Error::Api(status) if status.code == 404 => {
                Failure::new(format!("this cluster does not know the kind {kind}"))
                    .hint("is the agent installed here? check the cluster with --context")
            }
            _ => Failure::from(error).during(&format!("{kind} {namespace}/{name}")),
        }
    }
}

/// Is the object's reconciliation stopped?
pub(crate) fn is_suspended(object: &Value) -> bool {
    object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
}
