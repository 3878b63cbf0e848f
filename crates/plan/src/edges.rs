use std::collections::{BTreeSet, HashMap};

use capstan_model::{Manifest, ObjectId};

use crate::refs;
use crate::types::Because;

/// The objects by id and by what they stand for.
struct Index<'a> {
    objects: &'a [Manifest],
    by_id: HashMap<ObjectId, usize>,
    /// Definition of a group and kind.
    definitions: HashMap<(String, String), usize>,
    /// Compositions of a composite's group and kind.
    compositions: HashMap<(String, String), Vec<usize>>,
    /// Bindings that grant to a ServiceAccount.
    grants: HashMap<(String, String), Vec<usize>>,
    /// ProviderConfigs by name.
    provider_configs: HashMap<String, Vec<(String, usize)>>,
    /// LimitRanges and ResourceQuotas of a namespace.
    limits: HashMap<String, Vec<usize>>,
    webhooks: Vec<usize>,
}

/// Edges between the objects, by position: the first is applied before the second.
pub(crate) fn infer(objects: &[Manifest]) -> BTreeSet<(usize, usize, Because)> {
    let index = Index::new(objects);
    let mut edges = BTreeSet::new();
    for after in 0..objects.len() {
        index.before(after, &mut |before, because| {
            if before != after {
                edges.insert((before, after, because));
            }
        });
    }
    edges
}

impl<'a> Index<'a> {
    fn new(objects: &'a [Manifest]) -> Self {
        let mut index = Self {
            objects,
            by_id: objects.iter().enumerate().map(|(place, o)| (o.id(), place)).collect(),
            definitions: HashMap::new(),
            compositions: HashMap::new(),
            grants: HashMap::new(),
            provider_configs: HashMap::new(),
            limits: HashMap::new(),
            webhooks: Vec::new(),
        };
        for place in 0..objects.len() {
            index.enter(place);
        }
        index.enter_compositions_of_claims();
        index
    }

    fn enter(&mut self, place: usize) {
        let object = &self.objects[place];
        for definition in refs::definitions(object) {
            self.definitions.insert((definition.group, definition.kind), place);
        }
        if let Some((_, accounts)) = refs::binding(object) {
            for account in accounts {
                self.grants.entry(account).or_default().push(place);
            }
        }
        let id = object.id();
        match (&*id.group, &*id.kind) {
            ("apiextensions.crossplane.io", "Composition") => {
                let api_version = refs::text(object.value(), "/spec/compositeTypeRef/apiVersion");
                let group = api_version.split_once('/').map_or("", |(group, _)| group);
                let kind = refs::text(object.value(), "/spec/compositeTypeRef/kind");
                let composite = (group.to_owned(), kind.to_owned());
                self.compositions.entry(composite).or_default().push(place);
            }
            ("", "LimitRange" | "ResourceQuota") => {
                self.limits.entry(id.namespace).or_default().push(place);
            }
            (_, "ProviderConfig") => {
                self.provider_configs.entry(id.name).or_default().push((id.group, place));
            }
            (
                "admissionregistration.k8s.io",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            ) => self.webhooks.push(place),
            _ => {}
        }
    }

    /// What composes a composite composes its claim.
    fn enter_compositions_of_claims(&mut self) {
        for object in self.objects {
            let (mut composite, mut claim) = (None, None);
            for definition in refs::definitions(object) {
                let kind = (definition.group, definition.kind);
                *if definition.claim { &mut claim } else { &mut composite } = Some(kind);
            }
            if let (Some(composite), Some(claim)) = (composite, claim)
                && let Some(compositions) = self.compositions.get(&composite).cloned()
            {
                self.compositions.insert(claim, compositions);
            }
        }
    }

    /// Calls back with every object that must be applied before one.
    fn before(&self, after: usize, edge: &mut dyn FnMut(usize, Because)) {
        let object = &self.objects[after];
        let id = object.id();
        for namespace in refs::namespaces(object) {
            self.named("", "Namespace", namespace, Because::Namespace, edge);
        }
        for used in refs::used(object) {
            if let Some(before) = self.by_id.get(&used) {
                edge(*before, Because::Uses);
            }
        }
        let kind = (id.group.clone(), id.kind.clone());
        if let Some(before) = self.definitions.get(&kind) {
            edge(*before, Because::Defines);
        }
        for before in self.compositions.get(&kind).into_iter().flatten() {
            edge(*before, Because::Composes);
        }
        self.rights_of(object, edge);
        self.provider_of(object, &id, edge);
        self.limits_of(object, &id, edge);
        self.admission(after, &id, edge);
    }

    fn named(
        &self,
        group: &str,
        kind: &str,
        name: &str,
        because: Because,
        edge: &mut dyn FnMut(usize, Because),
    ) {
        let id = ObjectId {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
        };
        if let Some(before) = self.by_id.get(&id) {
            edge(*before, because);
        }
    }

    fn rights_of(&self, object: &Manifest, edge: &mut dyn FnMut(usize, Because)) {
        if let Some((role, _)) = refs::binding(object)
            && let Some(before) = self.by_id.get(&role)
        {
            edge(*before, Because::Binds);
        }
        let account = refs::runs_as(object);
        for before in account.and_then(|account| self.grants.get(&account)).into_iter().flatten() {
            edge(*before, Because::Grants);
        }
    }

    /// A managed resource comes after its ProviderConfig, whose group is a suffix of its own.
    fn provider_of(&self, object: &Manifest, id: &ObjectId, edge: &mut dyn FnMut(usize, Because)) {
        if object.value().pointer("/spec/forProvider").is_none() {
            return;
        }
        let name = match refs::text(object.value(), "/spec/providerConfigRef/name") {
            "" => "default",
            name => name,
        };
        for (group, before) in self.provider_configs.get(name).into_iter().flatten() {
            if id.group == *group || id.group.ends_with(&format!(".{group}")) {
                edge(*before, Because::Uses);
            }
        }
    }

    fn limits_of(&self, object: &Manifest, id: &ObjectId, edge: &mut dyn FnMut(usize, Because)) {
        let claim = id.group.is_empty() && id.kind == "PersistentVolumeClaim";
        if claim || refs::pod_spec(object).is_some() {
            for before in self.limits.get(&id.namespace).into_iter().flatten() {
                edge(*before, Because::Limits);
            }
        }
    }

    /// Webhooks come last: their own server may be among the objects.
    fn admission(&self, after: usize, id: &ObjectId, edge: &mut dyn FnMut(usize, Because)) {
        let of_admission = id.group == "admissionregistration.k8s.io";
        if of_admission && self.webhooks.contains(&after) {
            for before in (0..self.objects.len()).filter(|before| !self.webhooks.contains(before)) {
                edge(before, Because::Admits);
            }
        }
    }
}
