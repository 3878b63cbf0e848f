//! What is known of everything that units have applied, at one moment.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use capstan_cluster::Cluster;
use capstan_e2e::calls::Calls;
use capstan_e2e::look::{find_condition, summary, text};
use capstan_e2e::stage::NAMESPACE;
use capstan_model::{GroupVersionKind, Manifest, ObjectId};
use serde_json::{Value, json};

use crate::fleet::{UNITS, unit_kind};

/// What engines write about their own work, and the API server about itself.
const REPORTS: [&str; 6] = [
    "kustomizations",
    "kustomizations/status",
    "gitrepositories",
    "gitrepositories/status",
    "events",
    "leases",
];

/// Objects, what units say of them, and how often the API server was written to.
pub(crate) struct Evidence {
    objects: BTreeMap<String, Value>,
    units: BTreeMap<&'static str, Manifest>,
    calls: Calls,
}

impl Evidence {
    pub(crate) async fn gather(cluster: &Cluster) -> Result<Self> {
        let (mut objects, mut units) = (BTreeMap::new(), BTreeMap::new());
        for name in UNITS {
            let unit = cluster.get(&unit_kind(), NAMESPACE, name).await?.context("no unit")?;
            for (id, version) in inventory(&unit)? {
                let parsed: ObjectId = id.parse().ok().with_context(|| format!("no id: {id}"))?;
                let gvk = GroupVersionKind::new(&*parsed.group, &*version, &*parsed.kind);
                let found = cluster.get(&gvk, &parsed.namespace, &parsed.name).await?;
                let found = found.with_context(|| format!("{id} is in the inventory alone"))?;
                objects.insert(id, fingerprint(&found));
            }
            units.insert(name, unit);
        }
        Ok(Self { objects, units, calls: Calls::read(cluster).await? })
    }

    /// Is an object in an inventory?
    pub(crate) fn has(&self, id: &str) -> bool {
        self.objects.contains_key(id)
    }

    /// Nothing was written but reports, and those still say what they said.
    pub(crate) fn is_untouched_since(&self, before: &Self) -> Result<()> {
        ensure!(self.objects.len() >= 18, "too few objects: {:#?}", self.objects.keys());
        for (id, was) in &before.objects {
            let is = self.objects.get(id).with_context(|| format!("{id} was forgotten"))?;
            ensure!(is == was, "{id} was written to:\n{was:#}\nis now\n{is:#}");
        }
        ensure!(self.objects.len() == before.objects.len(), "something was added");
        let mut writes = self.calls.since(&before.calls).writes();
        // An apply of what is there already stores nothing, as the objects have just shown.
        writes.0.retain(|call, _| call.verb != "APPLY" && !REPORTS.contains(&&*call.resource));
        ensure!(writes.0.is_empty(), "there were writes:\n{writes}");
        for (name, unit) in &self.units {
            reports_the_same(unit, &before.units[name]).with_context(|| summary(unit))?;
        }
        Ok(())
    }
}

/// Ids and versions in an inventory.
fn inventory(unit: &Manifest) -> Result<BTreeSet<(String, String)>> {
    let entries = unit.value().pointer("/status/inventory/entries").and_then(Value::as_array);
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let entries = entries.context("no inventory")?.iter();
    Ok(entries.map(|entry| (text(entry, "id"), text(entry, "v"))).collect())
}

/// What changes with every write; of a unit, which reports are written to, only what was applied.
fn fingerprint(object: &Manifest) -> Value {
    let metadata = &object.value()["metadata"];
    let pick = |keys: &[&str]| -> Value {
        keys.iter().map(|key| ((*key).to_owned(), metadata[*key].clone())).collect()
    };
    if object.gvk() != unit_kind() {
        return pick(&["uid", "resourceVersion", "generation", "managedFields"]);
    }
    let fields = metadata["managedFields"].as_array().cloned().unwrap_or_default();
    let applied = fields.into_iter().find(|entry| entry["operation"] == "Apply");
    json!({"metadata": pick(&["uid", "generation"]), "applied": applied})
}

fn reports_the_same(unit: &Manifest, before: &Manifest) -> Result<()> {
    for field in ["/status/lastAppliedRevision", "/status/lastAttemptedRevision"] {
        let (is, was) = (text(unit, field), text(before, field));
        ensure!(is == was, "{field} is {is}, was {was}");
    }
    ensure!(inventory(unit)? == inventory(before)?, "another inventory");
    let said =
        |unit| find_condition(unit, "Ready").map(|c| (c["reason"].clone(), c["message"].clone()));
    ensure!(said(unit) == said(before), "Ready said {:?}", said(before));
    let (is, was) = (history(unit)?, history(before)?);
    for (now, then) in is.iter().zip(&was) {
        ensure!(
            now.digest == then.digest && now.first == then.first,
            "the history was {was:#?}, is {is:#?}"
        );
    }
    ensure!(is.len() == was.len() && is[0].total > was[0].total, "{was:#?}, then {is:#?}");
    Ok(())
}

#[derive(Debug)]
struct Snapshot {
    digest: String,
    first: String,
    total: u64,
}

fn history(unit: &Manifest) -> Result<Vec<Snapshot>> {
    let list = unit.value().pointer("/status/history").and_then(Value::as_array);
    let read = |entry: &Value| Snapshot {
        digest: entry["digest"].to_string(),
        first: entry["firstReconciled"].to_string(),
        total: entry["totalReconciliations"].as_u64().unwrap_or_default(),
    };
    Ok(list.context("no history")?.iter().map(read).collect())
}
