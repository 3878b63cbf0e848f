use std::collections::HashMap;
use std::sync::Mutex;

use capstan_model::GroupVersionKind;
use kube::Client;
use kube::core::ApiResource;

use crate::ClusterError;

/// Is a kind's object in a namespace?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Objects live in namespaces.
    Namespaced,
    /// Objects belong to the cluster.
    Cluster,
}

/// How a kind is called in URLs, and its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Group, version, kind and plural, in kube's form.
    pub api: ApiResource,
    /// Namespaced or cluster-scoped.
    pub scope: Scope,
}

/// What was discovered. A kind that is absent is asked for again each time: it may have come meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    known: Mutex<HashMap<GroupVersionKind, Resource>>,
}

impl Discovery {
    pub(crate) async fn resource(
        &self,
        client: &Client,
        gvk: &GroupVersionKind,
    ) -> Result<Resource, ClusterError> {
        if let Some(resource) = self.known(gvk) {
            return Ok(resource);
        }
        self.ask(client, gvk).await?;
        self.known(gvk).ok_or_else(|| ClusterError::NoSuchKind(gvk.clone()))
    }

    fn known(&self, gvk: &GroupVersionKind) -> Option<Resource> {
        self.known.lock().expect("no holder of this lock can panic").get(gvk).cloned()
    }

    /// Forgets a kind, so that a CRD that was replaced is discovered anew.
    pub(crate) fn forget(&self, gvk: &GroupVersionKind) {
        self.known.lock().expect("no holder of this lock can panic").remove(gvk);
    }

    /// Reads the resources of one group version.
    async fn ask(&self, client: &Client, gvk: &GroupVersionKind) -> Result<(), ClusterError> {
        let list = if gvk.group.is_empty() {
            client.list_core_api_resources(&gvk.version).await
        } else {
            client.list_api_group_resources(&gvk.api_version()).await
        };
        let list = match list {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => {
                return Err(ClusterError::NoSuchKind(gvk.clone()));
            }
            Err(error) => {
                return Err(ClusterError::from_kube("discover", gvk.api_version(), error));
            }
        };
        let mut known = self.known.lock().expect("no holder of this lock can panic");
        for found in list.resources.iter().filter(|resource| !resource.name.contains('/')) {
            let kind = GroupVersionKind::new(&gvk.group, &gvk.version, &found.kind);
            let api = ApiResource {
                group: gvk.group.clone(),
                version: gvk.version.clone(),
                api_version: gvk.api_version(),
                kind: found.kind.clone(),
                plural: found.name.clone(),
            };
            let scope = if found.namespaced { Scope::Namespaced } else { Scope::Cluster };
            known.insert(kind, Resource { api, scope });
        }
        Ok(())
    }
}
