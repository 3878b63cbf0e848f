//! Name references: fields that hold the name of another object follow its new name.

use std::collections::HashMap;

use capstan_model::GroupVersionKind;
use capstan_yaml::{Scalar, Value, set_field, set_scalar};

use crate::config::Referral;
use crate::error::BuildError;
use crate::fields::{Field, Made};
use crate::resource::{Id, Resource};
use crate::resources::Resources;

/// The fields that refer, by the kind that has them; those that every kind has stand under none.
struct Rules<'a>(HashMap<&'a str, Vec<(&'a Referral, &'a Field)>>);

impl<'a> Rules<'a> {
    fn new(referrals: &'a [Referral]) -> Self {
        let mut rules: HashMap<&str, Vec<_>> = HashMap::new();
        for referral in referrals {
            for field in &referral.fields {
                rules.entry(field.kind.as_str()).or_default().push((referral, field));
            }
        }
        Self(rules)
    }

    fn of(&self, gvk: &GroupVersionKind) -> Vec<(&'a Referral, &'a Field)> {
        let kinds = [gvk.kind.as_str(), ""];
        let rules = kinds.iter().filter_map(|kind| self.0.get(kind)).flatten();
        rules.filter(|(_, field)| field.admits(gvk)).copied().collect()
    }
}

/// Follows the references of every object.
pub(crate) fn fix(resources: &mut Resources, referrals: &[Referral]) -> Result<(), BuildError> {
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    let mut current = Vec::new();
    for (index, resource) in resources.iter().enumerate() {
        current.push(resource.id());
        for id in resource.previous_ids() {
            let named = by_name.entry(id.name.clone()).or_default();
            if named.last() != Some(&index) {
                named.push(index);
            }
        }
    }
    let rules = Rules::new(referrals);
    for index in 0..current.len() {
        check_subjects(&resources.as_slice()[index])?;
        let rules = rules.of(&resources.as_slice()[index].original_gvk());
        if rules.is_empty() {
            continue;
        }
        let mut value = std::mem::take(&mut resources.get_mut(index).value);
        let all = resources.as_slice();
        let scene = Scene { all, current: &current, by_name: &by_name, referrer: index };
        let fixed = rules.iter().try_for_each(|(to, field)| scene.fix(to, field, &mut value));
        let resource = resources.get_mut(index);
        resource.value = value;
        fixed.map_err(|error| error.at(&resource.place))?;
    }
    Ok(())
}

struct Query<'a> {
    to: &'a Referral,
    role: Option<(String, String)>,
    binding: Vec<String>,
}

struct Scene<'a> {
    all: &'a [Resource],
    current: &'a [Id],
    by_name: &'a HashMap<String, Vec<usize>>,
    referrer: usize,
}

impl Scene<'_> {
    /// Follows one field of the referrer.
    fn fix(&self, to: &Referral, field: &Field, value: &mut Value) -> Result<(), BuildError> {
        let role = field.path.ends_with("roleRef/name").then(|| role_ref(value)).flatten();
        let query =
            Query { to, role, binding: bound_namespaces(&self.current[self.referrer], value) };
        let mut ambiguous = None;
        let visited = field.visit(value, Made::Nothing, &mut |found| {
            if let Err(error) = self.rename(&query, found) {
                ambiguous.get_or_insert(error);
            }
            Ok(())
        });
        let id = &self.current[self.referrer];
        let message = |error| {
            let message =
                format!("updating name reference in '{}' field of {id}: {error}", field.path);
            BuildError::new(message)
        };
        visited.map_err(message)?;
        ambiguous.map_or(Ok(()), Err)
    }

    fn rename(&self, query: &Query<'_>, found: &mut Value) -> Result<(), BuildError> {
        match found {
            null if null.is_null() => Ok(()),
            Value::Scalar(scalar) => {
                let Some(any) = self.by_name.get(&scalar.text) else { return Ok(()) };
                if let Some(index) = self.select(query, &scalar.text, any.clone(), false)?
                    && scalar.text != self.current[index].name
                {
                    set_scalar(found, Scalar::bare(self.current[index].name.clone()));
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Array(_) => {
                    let message = "a list is expected to be either a string or a map of string";
                    Err(BuildError::new(message)
                        .hint("the items of a list that refers are names, or maps with a name"))
                }
                item => self.rename(query, item),
            }),
            Value::Object(_) => self.rename_map(query, found),
        }
    }

    /// A map with a name and perhaps a namespace, such as a subject or a webhook's service.
    fn rename_map(&self, query: &Query<'_>, map: &mut Value) -> Result<(), BuildError> {
        let name = match map.get("name") {
            Some(name) => name.written().map(str::to_owned),
            None => {
                let message = "path config error; no 'name' field in node";
                return Err(BuildError::new(message)
                    .hint("a name reference leads to a name, or to a map with a name"));
            }
        };
        let Some(name) = name else { return Ok(()) };
        let mut candidates = self.by_name.get(&name).cloned().unwrap_or_default();
        if let Some(namespace) = map.get("namespace").and_then(Value::written) {
            let originally: Vec<usize> =
                candidates.iter().copied().filter(|i| self.all_original(*i) == namespace).collect();
            if originally.is_empty() {
                candidates.retain(|i| self.current[*i].effective_namespace() == namespace);
            } else {
                candidates = originally;
            }
        }
        if let Some(index) = self.select(query, &name, candidates, true)? {
            let id = &self.current[index];
            let Some(map) = map.as_object_mut() else { return Ok(()) };
            if id.name == name && id.namespace.is_empty() {
                return Ok(());
            }
            set_field(map, "name", Value::bare(&id.name));
            if !id.namespace.is_empty() {
                set_field(map, "namespace", Value::bare(&id.namespace));
            }
        }
        Ok(())
    }

    fn all_original(&self, index: usize) -> String {
        let first = self.all[index].previous_ids().first();
        first.unwrap_or(&self.current[index]).effective_namespace().to_owned()
    }

    /// The one object that the old name means here.
    fn select(
        &self,
        query: &Query<'_>,
        name: &str,
        mut candidates: Vec<usize>,
        with_namespace: bool,
    ) -> Result<Option<usize>, BuildError> {
        candidates.retain(|i| self.fits(query, *i));
        let referrer = &self.all[self.referrer];
        for lenient in [true, false] {
            if candidates.len() > 1 {
                let agreeing: Vec<usize> = candidates
                    .iter()
                    .copied()
                    .filter(|i| referrer.same_affixes(&self.all[*i], lenient))
                    .collect();
                candidates = agreeing;
            }
        }
        let [first, rest @ ..] = candidates.as_slice() else { return Ok(None) };
        let same = |i: &usize| {
            let (a, b) = (&self.current[*i], &self.current[*first]);
            a.name == b.name && (!with_namespace || a.namespace == b.namespace)
        };
        if rest.iter().all(same) {
            return Ok(Some(*first));
        }
        let names: Vec<String> = candidates.iter().map(|i| self.current[*i].to_string()).collect();
        Err(BuildError::new(format!(
            "found multiple possible referrals: {} refers to `{name}`, which may be any of {}",
            self.current[self.referrer],
            names.join(", ")
        ))
        .hint("give the objects different names, or refer to the final name"))
    }

    fn fits(&self, query: &Query<'_>, index: usize) -> bool {
        let previous = self.all[index].previous_ids();
        let (referrer, candidate) = (&self.current[self.referrer], &self.current[index]);
        let in_role = |id: &Id| {
            query.role.as_ref().is_none_or(|(group, kind)| {
                (group.is_empty() || *group == id.gvk.group) && *kind == id.gvk.kind
            })
        };
        let reachable = referrer.effective_namespace().is_empty()
            || candidate.effective_namespace().is_empty()
            || referrer.effective_namespace() == candidate.effective_namespace()
            || (candidate.gvk.kind == "ServiceAccount"
                && query.binding.contains(&candidate.namespace));
        previous.iter().any(|id| query.to.admits(&id.gvk))
            && previous.iter().any(in_role)
            && reachable
    }
}

fn role_ref(binding: &Value) -> Option<(String, String)> {
    let part = |field| binding.pointer(field).and_then(Value::written).map(str::to_owned);
    Some((part("/roleRef/apiGroup")?, part("/roleRef/kind")?))
}

fn is_text(value: &Value) -> bool {
    value.to_json().is_ok_and(|value| value.is_string())
}

/// A namespace of a ServiceAccount is a text, or it is not there.
fn check_subjects(resource: &Resource) -> Result<(), BuildError> {
    if resource.text("/kind") != "RoleBinding" {
        return Ok(());
    }
    let subjects = resource.value.get("subjects").and_then(Value::as_array);
    let is_blank = |subject: &Value| {
        subject.get("kind").and_then(Value::text) == Some("ServiceAccount")
            && subject.get("namespace").is_some_and(|namespace| !is_text(namespace))
    };
    if subjects.into_iter().flatten().any(is_blank) {
        let message =
            format!("Invalid Input: namespace is blank for resource \"{}\"", resource.id());
        return Err(BuildError::new(message)
            .at(&resource.place)
            .hint("give the subject a namespace, or remove the field"));
    }
    Ok(())
}

/// The namespaces whose service accounts a RoleBinding names.
fn bound_namespaces(id: &Id, binding: &Value) -> Vec<String> {
    if id.gvk.kind != "RoleBinding" {
        return Vec::new();
    }
    let subjects = binding.get("subjects").and_then(Value::as_array);
    let namespaces = subjects.into_iter().flatten().filter_map(|s| s.get("namespace")?.text());
    namespaces.map(str::to_owned).collect()
}
