use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use capstan_model::{GroupVersionKind, Manifest};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
    Preconditions, PropagationPolicy,
};
use kube::core::DynamicResourceScope;
use kube::{Client, Config};
use serde_json::Value;

use crate::bearer::BearerSource;
use crate::discovery::Discovery;
use crate::{ClusterError, Resource, Scope};

/// One cluster, as one user sees it. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    config: Arc<Config>,
    discovery: Arc<Discovery>,
    identity: u64,
    pub(crate) bearer: Option<Arc<dyn BearerSource>>,
}

/// How many clients were made.
static MADE: AtomicU64 = AtomicU64::new(0);

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("url", &self.config.cluster_url).finish_non_exhaustive()
    }
}

/// How a server-side apply is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyOptions<'a> {
    /// Who owns the fields.
    pub field_manager: &'a str,
    /// Takes fields over from other managers.
    pub force: bool,
    /// Changes nothing, only says what would be.
    pub dry_run: bool,
}

/// What becomes of an object's dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// The garbage collector deletes them afterwards.
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// How a deletion is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteOptions {
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// Deletes only the object of this uid, so that a namesake is safe.
    pub uid: Option<String>,
    /// Deletes it only as it was at this resourceVersion: whatever was written since makes the deletion a conflict.
    pub resource_version: Option<String>,
}

impl DeleteOptions {
    /// In the background, and only the object as it was seen.
    pub fn just(seen: &Manifest) -> Self {
        Self {
            uid: Some(seen.uid().to_owned()),
            resource_version: Some(seen.resource_version().to_owned()),
            ..Self::default()
        }
    }

    fn preconditions(&self) -> Option<Preconditions> {
        let (uid, resource_version) = (self.uid.clone(), self.resource_version.clone());
        let any = uid.is_some() || resource_version.is_some();
        any.then_some(Preconditions { uid, resource_version })
    }
}

impl Default for DeleteOptions {
    fn default() -> Self {
        Self { propagation: Propagation::Background, uid: None, resource_version: None }
    }
}

impl Cluster {
    /// From a client and the configuration that it was made from.
    pub fn new(client: Client, config: Config) -> Self {
        let identity = MADE.fetch_add(1, Ordering::Relaxed);
        Self { client, config: Arc::new(config), discovery: Arc::default(), identity, bearer: None }
    }

    /// Tells clients apart: clones are one; another user, or credentials that were renewed, are another.
    pub const fn identity(&self) -> u64 {
        self.identity
    }

    /// kube's client, for typed access to builtin kinds.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The API server's URL.
    pub fn url(&self) -> String {
        self.config.cluster_url.to_string()
    }

    /// How a kind is called, and its scope. An absent kind is `NoSuchKind`, and is asked for again next time.
    pub async fn resource(&self, gvk: &GroupVersionKind) -> Result<Resource, ClusterError> {
        self.discovery.resource(&self.client, gvk).await
    }

    /// Forgets what is known of a kind.
    pub fn forget(&self, gvk: &GroupVersionKind) {
        self.discovery.forget(gvk);
    }

    pub(crate) fn api<K>(&self, resource: &Resource, namespace: &str) -> Api<K>
    where
        K: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
    {
        match resource.scope {
            Scope::Namespaced if !namespace.is_empty() => {
                Api::namespaced_with(self.client.clone(), namespace, &resource.api)
            }
            _ => Api::all_with(self.client.clone(), &resource.api),
        }
    }

    async fn api_of(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
    ) -> Result<Api<DynamicObject>, ClusterError> {
        Ok(self.api(&self.resource(gvk).await?, namespace))
    }

    /// An object, if it is there.
    pub async fn get(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Manifest>, ClusterError> {
        let subject = subject(gvk, namespace, name);
        let api = self.api_of(gvk, namespace).await?;
        match api.get_opt(name).await {
            Ok(found) => found.map(|object| manifest("get", &subject, gvk, object)).transpose(),
            Err(error) => {
                let error = ClusterError::from_kube("get", subject, error);
                Err(self.asked_anew(gvk, error).await)
            }
        }
    }

    /// Where a kind has no endpoint, what was discovered earlier counts no more: its definition may have gone.
    async fn asked_anew(&self, gvk: &GroupVersionKind, error: ClusterError) -> ClusterError {
        if !error.is_not_served() || error.is_no_such_kind() {
            return error;
        }
        self.forget(gvk);
        match self.resource(gvk).await {
            Err(gone) if gone.is_no_such_kind() => gone,
            _ => error,
        }
    }

    /// The objects of a kind in a namespace, or in all when it is empty, that match a label selector.
    pub async fn list(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
        labels: &str,
    ) -> Result<Vec<Manifest>, ClusterError> {
        let api = self.api_of(gvk, namespace).await?;
        let params = ListParams::default().labels(labels);
        let list = api
            .list(&params)
            .await
            .map_err(|error| ClusterError::from_kube("list", gvk.to_string(), error))?;
        let subject = gvk.to_string();
        list.into_iter().map(|object| manifest("list", &subject, gvk, object)).collect()
    }

    /// Server-side apply; gives back the object as stored.
    pub async fn apply(
        &self,
        object: &Manifest,
        options: ApplyOptions<'_>,
    ) -> Result<Manifest, ClusterError> {
        self.apply_to(object, options, None).await
    }

    /// Server-side apply of the status subresource.
    pub async fn apply_status(
        &self,
        object: &Manifest,
        options: ApplyOptions<'_>,
    ) -> Result<Manifest, ClusterError> {
        self.apply_to(object, options, Some("status")).await
    }

    async fn apply_to(
        &self,
        object: &Manifest,
        options: ApplyOptions<'_>,
        subresource: Option<&str>,
    ) -> Result<Manifest, ClusterError> {
        let gvk = object.gvk();
        let subject = subject(&gvk, object.namespace(), object.name());
        let api = self.api_of(&gvk, object.namespace()).await?;
        let mut params = PatchParams::apply(options.field_manager);
        params.force = options.force;
        params.dry_run = options.dry_run;
        let patch = Patch::Apply(object.value());
        let applied = match subresource {
            Some(_) => api.patch_status(object.name(), &params, &patch).await,
            None => api.patch(object.name(), &params, &patch).await,
        };
        let applied = applied.map_err(|error| ClusterError::from_kube("apply", &subject, error))?;
        manifest("apply", &subject, &gvk, applied)
    }

    /// Creates an object; an existing one is an error that [`ClusterError::is_already_exists`] knows.
    pub async fn create(
        &self,
        object: &Manifest,
        field_manager: &str,
    ) -> Result<Manifest, ClusterError> {
        self.post(object, field_manager, false).await
    }

    /// What [`Cluster::create`] would give; nothing is changed.
    pub async fn create_dry_run(
        &self,
        object: &Manifest,
        field_manager: &str,
    ) -> Result<Manifest, ClusterError> {
        self.post(object, field_manager, true).await
    }

    async fn post(
        &self,
        object: &Manifest,
        field_manager: &str,
        dry_run: bool,
    ) -> Result<Manifest, ClusterError> {
        let gvk = object.gvk();
        let subject = subject(&gvk, object.namespace(), object.name());
        let api = self.api_of(&gvk, object.namespace()).await?;
        let params = PostParams { dry_run, field_manager: Some(field_manager.to_owned()) };
        let created = api
            .create(&params, &dynamic("create", &subject, object)?)
            .await
            .map_err(|error| ClusterError::from_kube("create", &subject, error))?;
        manifest("create", &subject, &gvk, created)
    }

    /// Replaces an object; it must carry the resourceVersion that it was read with, and a stale one is a conflict.
    pub async fn replace(
        &self,
        object: &Manifest,
        field_manager: &str,
    ) -> Result<Manifest, ClusterError> {
        let gvk = object.gvk();
        let subject = subject(&gvk, object.namespace(), object.name());
        let api = self.api_of(&gvk, object.namespace()).await?;
        let params =
            PostParams { field_manager: Some(field_manager.to_owned()), ..Default::default() };
        let replaced = api
            .replace(object.name(), &params, &dynamic("update", &subject, object)?)
            .await
            .map_err(|error| ClusterError::from_kube("update", &subject, error))?;
        manifest("update", &subject, &gvk, replaced)
    }

    /// Merges a patch into an object. A `metadata.resourceVersion` in the patch makes a stale write a conflict.
    pub async fn merge(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
        name: &str,
        patch: &Value,
        field_manager: &str,
    ) -> Result<Manifest, ClusterError> {
        let subject = subject(gvk, namespace, name);
        let api = self.api_of(gvk, namespace).await?;
        let params =
            PatchParams { field_manager: Some(field_manager.to_owned()), ..Default::default() };
        let patched = api
            .patch(name, &params, &Patch::Merge(patch))
            .await
            .map_err(|error| ClusterError::from_kube("patch", &subject, error))?;
        manifest("patch", &subject, gvk, patched)
    }

    /// Merges a patch into an object's status; `patch` is the whole body, `{"status": …}`.
    pub async fn merge_status(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
        name: &str,
        patch: &Value,
        field_manager: &str,
    ) -> Result<Manifest, ClusterError> {
        let subject = subject(gvk, namespace, name);
        let api = self.api_of(gvk, namespace).await?;
        let params =
            PatchParams { field_manager: Some(field_manager.to_owned()), ..Default::default() };
        let patched = api
            .patch_status(name, &params, &Patch::Merge(patch))
            .await
            .map_err(|error| ClusterError::from_kube("patch status of", &subject, error))?;
        manifest("patch status of", &subject, gvk, patched)
    }

    /// Deletes an object; false when it was not there. It may stay for its finalizers.
    pub async fn delete(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<bool, ClusterError> {
        let subject = subject(gvk, namespace, name);
        let api = self.api_of(gvk, namespace).await?;
        let params = DeleteParams {
            propagation_policy: Some(match options.propagation {
                Propagation::Background => PropagationPolicy::Background,
                Propagation::Foreground => PropagationPolicy::Foreground,
                Propagation::Orphan => PropagationPolicy::Orphan,
            }),
            preconditions: options.preconditions(),
            ..Default::default()
        };
        match api.delete(name, &params).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(ClusterError::from_kube("delete", subject, error)),
        }
    }
}

fn subject(gvk: &GroupVersionKind, namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("{}/{name}", gvk.kind)
    } else {
        format!("{}/{namespace}/{name}", gvk.kind)
    }
}

/// An object of a list or watch carries no type of its own: the kind that was asked for fills it in.
pub(crate) fn manifest(
    operation: &'static str,
    subject: &str,
    gvk: &GroupVersionKind,
    object: DynamicObject,
) -> Result<Manifest, ClusterError> {
    let malformed =
        |cause: String| ClusterError::Malformed { operation, subject: subject.to_owned(), cause };
    let mut value = serde_json::to_value(object).map_err(|error| malformed(error.to_string()))?;
    if let Value::Object(map) = &mut value {
        map.insert("apiVersion".to_owned(), gvk.api_version().into());
        map.insert("kind".to_owned(), gvk.kind.clone().into());
    }
    Manifest::try_from(value).map_err(|error| malformed(error.to_string()))
}

fn dynamic(
    operation: &'static str,
    subject: &str,
    object: &Manifest,
) -> Result<DynamicObject, ClusterError> {
    serde_json::from_value(object.value().clone()).map_err(|error| ClusterError::Malformed {
        operation,
        subject: subject.to_owned(),
        cause: error.to_string(),
    })
}
