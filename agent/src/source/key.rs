use std::fmt;

use capstan_api::flux::SOURCE_GROUP;
use capstan_cluster::Mirror;
use capstan_model::{GroupVersionKind, Manifest, NamespacedName};

/// A kind of source that is reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SourceKind {
    GitRepository,
    OciRepository,
    Bucket,
    ExternalArtifact,
}

impl SourceKind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::GitRepository, Self::OciRepository, Self::Bucket, Self::ExternalArtifact];

    /// The kind's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::GitRepository => "GitRepository",
            Self::OciRepository => "OCIRepository",
            Self::Bucket => "Bucket",
            Self::ExternalArtifact => "ExternalArtifact",
        }
    }

    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind, in the version that is stored.
    pub(crate) fn gvk(self) -> GroupVersionKind {
        GroupVersionKind::new(SOURCE_GROUP, "v1", self.name())
    }
}

/// A source of this cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SourceKey {
    pub(crate) kind: SourceKind,
    pub(crate) place: NamespacedName,
}

impl SourceKey {
    pub(crate) fn new(kind: SourceKind, namespace: &str, name: &str) -> Self {
        Self { kind, place: NamespacedName::new(namespace, name) }
    }

    /// The key of an object; nothing when its kind is no source that is reconciled.
    pub(crate) fn of(object: &Manifest) -> Option<Self> {
        let kind = SourceKind::named(&object.gvk().kind)?;
        Some(Self::new(kind, object.namespace(), object.name()))
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.place)
    }
}

/// The objects of all kinds of source, as the watches have them. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct SourceObjects([Mirror; SourceKind::ALL.len()]);

impl SourceObjects {
    /// The objects of one kind.
    pub(crate) const fn of(&self, kind: SourceKind) -> &Mirror {
        &self.0[kind as usize]
    }

    /// One object.
    pub(crate) fn get(&self, key: &SourceKey) -> Option<std::sync::Arc<Manifest>> {
        self.of(key.kind).get(&key.place)
    }

    /// Waits until every kind was listed once.
    pub(crate) async fn synced(&self) {
        for mirror in &self.0 {
            mirror.synced().await;
        }
    }
}
