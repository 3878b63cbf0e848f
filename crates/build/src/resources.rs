use std::collections::HashMap;

use capstan_yaml::Value;

use crate::error::BuildError;
use crate::generate::Behavior;
use crate::resource::{Id, Key, Resource, rewrite};

/// Annotations that never leave a build.
const NOTES: [&str; 18] = [
    "config.kubernetes.io/index",
    "config.kubernetes.io/origin",
    "config.kubernetes.io/path",
    "config.k8s.io/id",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/suffixes",
];

/// The objects of a build in their order; no two have the same id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resources(Vec<Resource>);

impl Resources {
    /// Adds an object of a new id.
    pub(crate) fn push(&mut self, resource: Resource) -> Result<(), BuildError> {
        let key = resource.key();
        if let Some(other) = self.0.iter().find(|other| other.key() == key) {
            return Err(known(&resource, other));
        }
        self.0.push(resource);
        Ok(())
    }

    /// Adds objects of new ids.
    pub(crate) fn extend(
        &mut self,
        others: impl IntoIterator<Item = Resource>,
    ) -> Result<(), BuildError> {
        let first = self.0.len();
        self.0.extend(others);
        match self.first_repeated(first) {
            None => Ok(()),
            Some((again, before)) => Err(known(&self.0[again], &self.0[before])),
        }
    }

    /// The first object from a place on that has the id of one before it, and where that one is.
    pub(crate) fn first_repeated(&self, from: usize) -> Option<(usize, usize)> {
        let mut known: HashMap<Key<'_>, usize> = HashMap::with_capacity(self.0.len());
        for (at, resource) in self.0.iter().enumerate() {
            let before = *known.entry(resource.key()).or_insert(at);
            if before != at && at >= from {
                return Some((at, before));
            }
        }
        None
    }

    /// Adds a generated object, or merges it into the one that it names.
    pub(crate) fn absorb(&mut self, mut resource: Resource) -> Result<(), BuildError> {
        let id = resource.id();
        let found = self.matching(&id);
        let (index, behavior) = match (found.as_slice(), resource.behavior) {
            ([], Behavior::Merge | Behavior::Replace) => {
                let error = BuildError::new(format!("{id} does not exist: nothing to change"));
                return Err(error
                    .at(&resource.place)
                    .hint("`behavior: merge` and `replace` need a generator of that name below"));
            }
            ([], _) => return self.push(resource),
            ([index], behavior @ (Behavior::Merge | Behavior::Replace)) => (*index, behavior),
            ([_], _) => {
                let error = BuildError::new(format!(
                    "{id} exists already: behavior must be merge or replace"
                ));
                return Err(error
                    .at(&resource.place)
                    .hint("say `behavior: merge` or `behavior: replace`, or choose another name"));
            }
            _ => {
                let error = BuildError::new(format!("{id} matches several objects"));
                return Err(error.at(&resource.place));
            }
        };
        let old = self.0[index].clone();
        if behavior == Behavior::Merge {
            resource.extend_data("data", &old);
            resource.extend_data("binaryData", &old);
        }
        resource.continue_from(old);
        self.0[index] = resource;
        Ok(())
    }

    /// The places of the objects that have or had this id.
    pub(crate) fn matching(&self, id: &Id) -> Vec<usize> {
        let key = id.key();
        let was = |r: &Resource| r.previous_ids().iter().any(|other| other.is_same(id));
        let same = |r: &Resource| r.key() == key || was(r);
        self.0.iter().enumerate().filter(|(_, r)| same(r)).map(|(index, _)| index).collect()
    }

    pub(crate) fn as_slice(&self) -> &[Resource] {
        &self.0
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.0.iter_mut()
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut Resource {
        &mut self.0[index]
    }

    /// Puts them in the order of a key.
    pub(crate) fn sort_by_cached_key<K: Ord>(&mut self, key: impl FnMut(&Resource) -> K) {
        self.0.sort_by_cached_key(key);
    }

    /// Is each of them an object still?
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        self.0.iter().try_for_each(Resource::check)
    }

    /// Is each of them the only one of its id still?
    pub(crate) fn check_ids(&self) -> Result<(), BuildError> {
        match self.first_repeated(0) {
            None => Ok(()),
            Some((again, before)) => Err(known(&self.0[again], &self.0[before])),
        }
    }

    /// Removes what patches deleted.
    pub(crate) fn drop_deleted(&mut self) {
        self.0.retain(|resource| !resource.value.is_null());
    }

    /// Removes the annotations that are notes of kustomize and its tools to themselves.
    pub(crate) fn drop_notes(&mut self) {
        for resource in &mut self.0 {
            let Some(root) = resource.value.as_object_mut() else { continue };
            let metadata = root.entry("metadata".to_owned()).or_insert_with(Value::map);
            let Value::Object(metadata) = metadata else { continue };
            let left = match metadata.get_mut("annotations") {
                Some(Value::Object(annotations)) => {
                    annotations.retain(|key, _| !NOTES.contains(&key.as_str()));
                    annotations.values_mut().for_each(rewrite);
                    !annotations.is_empty()
                }
                _ => false,
            };
            if !left {
                metadata.remove("annotations");
            }
        }
    }

    /// Removes what is meant for tools only, by its id: another object of that id keeps it.
    ///
    /// # Errors
    /// When two of the others have one id, or two that go.
    pub(crate) fn drop_local(&mut self) -> Result<(), BuildError> {
        let is_local = |resource: &Resource| {
            let local = resource.get("/metadata/annotations");
            let local = local.and_then(|a| a.get("config.kubernetes.io/local-config"));
            local.is_some_and(|local| local.text() != Some("false"))
        };
        if !self.0.iter().any(is_local) {
            return self.check_ids();
        }
        let (local, kept): (Vec<Resource>, Vec<Resource>) =
            self.0.iter().cloned().partition(is_local);
        let ids: Vec<Id> = kept.iter().map(Resource::id).collect();
        Self(kept).check_ids()?;
        let mut gone: Vec<Id> = Vec::new();
        for resource in local {
            let id = resource.id();
            if gone.contains(&id) && !ids.contains(&id) {
                return Err(BuildError::new(format!("id {id} not found in removal"))
                    .at(&resource.place)
                    .hint("two objects of one id are local configuration: remove one of them"));
            }
            gone.push(id);
        }
        self.0.retain(|resource| !is_local(resource) || ids.contains(&resource.id()));
        Ok(())
    }
}

fn known(resource: &Resource, other: &Resource) -> BuildError {
    BuildError::new(format!(
        "may not add resource with an already registered id: {}; it is first given in {}",
        resource.id(),
        other.place
    ))
    .at(&resource.place)
    .hint("remove one of them, or turn one into a patch of the other")
}

impl IntoIterator for Resources {
    type Item = Resource;
    type IntoIter = std::vec::IntoIter<Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
