use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use capstan_cloud::{Cloud, CloudError};
use capstan_cluster::{Cluster, Mirror};
use capstan_model::{GroupVersionKind, Manifest, NamespacedName, Secret};
use capstan_runtime::Queue;
use serde_json::Value;

use crate::aws::Injected;
use crate::erased::DynKind;
use crate::graph::{Objects, Shape, Topic};
use crate::managed::Managed;
use crate::secret::read_key;
use crate::siblings::composite;

/// What the controller is made of.
#[derive(Clone)]
pub struct Options {
    /// The cluster whose managed resources are reconciled.
    pub cluster: Cluster,
    /// The kinds; those whose CRD is absent sleep until it comes.
    pub kinds: Vec<Arc<dyn DynKind>>,
    /// The ServiceAccount whose annotation names the role of `InjectedIdentity`.
    pub aws_service_account: NamespacedName,
    /// The region of kinds without one, such as IAM's.
    pub aws_region: String,
    /// How many objects are worked on at once.
    pub concurrency: usize,
    /// How long a service may not show what it made. No second create of a kind without name and token happens earlier.
    pub visibility_window: Duration,
    /// How often a resource at rest is looked at.
    pub steady: Duration,
}

impl Options {
    /// The defaults for a cluster and its kinds.
    pub fn new(cluster: Cluster, kinds: Vec<Arc<dyn DynKind>>) -> Self {
        Self {
            cluster,
            kinds,
            aws_service_account: NamespacedName::new("crossplane-system", "provider-aws-capstan"),
            aws_region: "us-east-1".to_owned(),
            concurrency: 32,
            visibility_window: Duration::from_secs(120),
            steady: Duration::from_secs(60),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("cluster", &self.cluster)
            .field("kinds", &self.kinds.len())
            .field("aws_service_account", &self.aws_service_account)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// One object that is worked on: a managed resource or a ProviderConfig.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

/// What is remembered of an object between passes; losing it costs a look.
#[derive(Debug, Default)]
struct Memory {
    /// The object as we wrote it last: the watch may still show an older one.
    written: Option<Arc<Manifest>>,
    /// How many passes in a row ended with something under way.
    soon: u32,
}

/// The kind ProviderConfig.
pub(crate) const CONFIG_KIND: &str = "ProviderConfig";

/// A kind that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) gvk: GroupVersionKind,
    /// Name of its CRD.
    pub(crate) crd: String,
    pub(crate) mirror: Mirror,
}

/// What every pass shares: the cluster, the cloud, all managed resources, and who waits for what.
pub struct World {
    options: Options,
    cloud: Cloud,
    pub(crate) injected: Injected,
    pub(crate) watched: Vec<Watched>,
    pub(crate) crds: Mirror,
    pub(crate) queue: Queue<Key>,
    waiting: Mutex<HashMap<Topic, HashSet<Key>>>,
    memory: Mutex<HashMap<Key, Memory>>,
    shared: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("options", &self.options).finish_non_exhaustive()
    }
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let mut watched: Vec<Watched> = Vec::new();
        let watch =
            |group: &'static str, version: &str, kind: &'static str, plural: &str| Watched {
                group,
                kind,
                gvk: GroupVersionKind::new(group, version, kind),
                crd: format!("{plural}.{group}"),
                mirror: Mirror::default(),
            };
        for kind in &options.kinds {
            let (meta, (group, version)) = (kind.shape().meta, kind.config());
            watched.push(watch(meta.group, meta.version, meta.kind, meta.plural));
            if !watched.iter().any(|w| w.group == group && w.kind == CONFIG_KIND) {
                watched.push(watch(group, version, CONFIG_KIND, "providerconfigs"));
            }
        }
        Self {
            injected: Injected::new(options.cluster.clone(), options.aws_service_account.clone()),
            options,
            cloud: Cloud::new(),
            watched,
            crds: Mirror::default(),
            queue: Queue::new(),
            waiting: Mutex::default(),
            memory: Mutex::default(),
            shared: Mutex::default(),
        }
    }

    /// The cluster whose managed resources these are.
    pub const fn cluster(&self) -> &Cluster {
        &self.options.cluster
    }

    /// The connections to AWS.
    pub const fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn kind(&self, key: &Key) -> Option<&Arc<dyn DynKind>> {
        self.options.kinds.iter().find(|kind| {
            let meta = kind.shape().meta;
            meta.group == key.group && meta.kind == key.kind
        })
    }

    /// The ProviderConfig that an object names.
    pub fn provider_config(&self, group: &str, object: &Manifest) -> Option<Arc<Manifest>> {
        self.object(group, CONFIG_KIND, Managed(object).config_name())
    }

    /// One managed resource or ProviderConfig.
    pub fn object(&self, group: &str, kind: &str, name: &str) -> Option<Arc<Manifest>> {
        let watched = self.watched(group, kind)?;
        watched.mirror.get(&NamespacedName::new("", name))
    }

    /// All managed resources of a kind.
    pub fn objects(&self, group: &str, kind: &str) -> Vec<Arc<Manifest>> {
        self.watched(group, kind).map(|watched| watched.mirror.all()).unwrap_or_default()
    }

    fn watched(&self, group: &str, kind: &str) -> Option<&Watched> {
        self.watched.iter().find(|watched| watched.group == group && watched.kind == kind)
    }

    /// The newest version of an object that is known: what the watch shows, or what we wrote since.
    pub(crate) fn latest(&self, key: &Key) -> Option<Arc<Manifest>> {
        let shown = self.object(key.group, key.kind, &key.name)?;
        let memory = self.memory();
        let written = memory.get(key).and_then(|memory| memory.written.as_ref());
        match written {
            Some(written) if written.uid() == shown.uid() && newer(written, &shown) => {
                Some(Arc::clone(written))
            }
            _ => Some(shown),
        }
    }

    pub(crate) fn remember_written(&self, key: &Key, object: &Manifest) {
        self.memory().entry(key.clone()).or_default().written = Some(Arc::new(object.clone()));
    }

    /// Is this version one that we wrote ourselves, or older?
    pub(crate) fn knows(&self, key: &Key, object: &Manifest) -> bool {
        let memory = self.memory();
        let written = memory.get(key).and_then(|memory| memory.written.as_ref());
        written.is_some_and(|written| written.uid() == object.uid() && !newer(object, written))
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.memory().remove(key);
    }

    /// The delay before something under way is looked at again: a second at first, ten at last.
    pub(crate) fn soon(&self, key: &Key) -> Duration {
        let mut memory = self.memory();
        let memory = memory.entry(key.clone()).or_default();
        memory.soon += 1;
        let factor = 1.25_f64.powi(i32::try_from(memory.soon.min(20)).unwrap_or(20) - 1);
        Duration::from_secs_f64(factor.min(10.0))
    }

    pub(crate) fn at_rest(&self, key: &Key) {
        if let Some(memory) = self.memory().get_mut(key) {
            memory.soon = 0;
        }
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<Key, Memory>> {
        self.memory.lock().expect("no holder of this lock can panic")
    }

    /// From now on a change of the topic wakes the key, once.
    pub(crate) fn wait_for(&self, topic: Topic, key: &Key) {
        self.waiting().entry(topic).or_default().insert(key.clone());
    }

    /// From now on a change of a connection Secret that is written here wakes a managed resource, once.
    pub fn wake_on_secret(&self, namespace: &str, name: &str, object: &Manifest) {
        let gvk = object.gvk();
        let Some(watched) = self.watched(&gvk.group, &gvk.kind) else { return };
        let name = format!("{namespace}/{name}");
        let key = Key { group: watched.group, kind: watched.kind, name: object.name().to_owned() };
        self.wait_for(Topic::object("", "Secret", &name), &key);
    }

    /// The composite that controls an object, while it exists.
    pub async fn composite(&self, object: &Manifest) -> Result<Option<Manifest>, CloudError> {
        composite(self.cluster(), object).await
    }

    /// A key of a Secret, by `{namespace, name, key}`.
    pub async fn secret_key(&self, reference: &Value) -> Result<Secret<String>, CloudError> {
        read_key(self.cluster(), reference).await
    }

    /// The one value of a type that providers share in this world, made when it is first asked for.
    pub fn shared<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut shared = self.shared.lock().expect("no holder of this lock can panic");
        let value = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(value).downcast().expect("the entry of a type holds that type")
    }

    /// Wakes who waits for an object or for its kind.
    pub(crate) fn changed(&self, group: &str, kind: &str, name: &str) {
        let mut waiting = self.waiting();
        for topic in [Topic::object(group, kind, name), Topic::kind(group, kind)] {
            for key in waiting.remove(&topic).into_iter().flatten() {
                self.queue.wake(key);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Topic, HashSet<Key>>> {
        self.waiting.lock().expect("no holder of this lock can panic")
    }

    /// Is everything known that is there? Before that no reference can be judged.
    pub(crate) fn is_settled(&self) -> bool {
        self.crds.is_synced() && !self.watched.iter().any(|watched| self.is_unread(watched))
    }

    /// The CRDs whose objects were not read yet.
    pub(crate) fn unread(&self) -> Vec<String> {
        if !self.crds.is_synced() {
            return vec!["customresourcedefinitions.apiextensions.k8s.io".to_owned()];
        }
        let unread = self.watched.iter().filter(|watched| self.is_unread(watched));
        unread.map(|watched| watched.crd.clone()).collect()
    }

    fn is_unread(&self, watched: &Watched) -> bool {
        !watched.mirror.is_synced() && self.is_established(&watched.crd)
    }

    /// Does the cluster serve a CRD?
    pub(crate) fn is_established(&self, crd: &str) -> bool {
        let Some(crd) = self.crds.get(&NamespacedName::new("", crd)) else { return false };
        Managed(&crd).conditions().is_true("Established")
    }
}

impl Objects for World {
    fn list(&self, group: &str, kind: &str) -> Vec<Arc<Manifest>> {
        self.objects(group, kind)
    }

    fn get(&self, group: &str, kind: &str, name: &str) -> Option<Arc<Manifest>> {
        self.object(group, kind, name)
    }

    fn shapes(&self) -> Vec<Shape> {
        self.options.kinds.iter().map(|kind| kind.shape()).collect()
    }
}

/// Versions of one object are compared as numbers, which every API server's storage uses; otherwise neither is newer.
fn newer(one: &Manifest, other: &Manifest) -> bool {
    let number = |object: &Manifest| object.resource_version().parse::<u64>().ok();
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one > other,
        _ => false,
    }
}
