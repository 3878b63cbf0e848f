//! How objects change.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::{self, Hand};
use super::{Change, Entry, Key, Refusal, Store, Write};

impl Store {
    /// Changes an object; true when it is new.
    ///
    /// # Errors
    /// When the change is refused.
    pub fn write(&mut self, key: &Key, write: &Write<'_>) -> Result<(bool, Arc<Value>), Refusal> {
        let live = self.objects.get(key).cloned();
        self.check(key, write, live.as_ref())?;
        let now = self.now();
        let subresource = if write.is_status { "status" } else { "" };
        let hand = Hand { manager: write.manager, subresource, now: &now };
        let before = live.as_deref().cloned().unwrap_or_else(|| self.blank(key));
        let mut object = self.changed(key, &before, write, hand)?;
        self.keep_what_is_not_written(key, write, &before, &mut object);
        if !matches!(write.change, Change::Apply(..)) {
            let base = if live.is_some() { before.clone() } else { json!({}) };
            fields::updated(&base, &mut object, hand);
        }
        self.leave_out_what_is_empty(key, &mut object);
        self.refuse_immutable(key, live.as_deref(), &object)?;
        self.count(key, live.as_deref(), &mut object);
        if live.as_deref() == Some(&object) || (write.dry_run && live.is_some()) {
            return Ok((false, Arc::new(object)));
        }
        if live.is_none() {
            self.uids += 1;
            object["metadata"]["uid"] = format!("uid-{}", self.uids).into();
            object["metadata"]["creationTimestamp"] = now.into();
        }
        if write.dry_run {
            return Ok((true, Arc::new(object)));
        }
        let goes = object["metadata"].get("deletionTimestamp").is_some() && !is_held(&object);
        match live {
            Some(live) if goes => Ok((false, self.end(key, &live, object))),
            live => Ok((live.is_none(), self.put(key.clone(), live, object, false))),
        }
    }

    /// Takes the last finalizer from an object on its way out. What is written is answered, but never stored: watches tell the
    /// end of what was there.
    fn end(&mut self, key: &Key, live: &Arc<Value>, mut object: Value) -> Arc<Value> {
        let version = live["metadata"].get("resourceVersion").cloned();
        set(&mut object["metadata"], "resourceVersion", version);
        self.put(key.clone(), Some(Arc::clone(live)), (**live).clone(), true);
        Arc::new(object)
    }

    fn blank(&self, (kind, namespace, name): &Key) -> Value {
        let kind = &self.kinds[*kind];
        let mut blank = json!({"apiVersion": kind.api_version(), "kind": kind.kind,
            "metadata": {"name": name}});
        if !namespace.is_empty() {
            blank["metadata"]["namespace"] = namespace.clone().into();
        }
        blank
    }

    /// What must hold before anything is looked at.
    fn check(
        &self,
        key: &Key,
        write: &Write<'_>,
        live: Option<&Arc<Value>>,
    ) -> Result<(), Refusal> {
        let resource = self.kinds[key.0].resource();
        let given = match &write.change {
            Change::Apply(given, _)
            | Change::Merge(given)
            | Change::Create(given)
            | Change::Replace(given) => given,
        };
        let creates = matches!(write.change, Change::Create(_));
        if creates && live.is_some() {
            let message = format!("{resource} \"{}\" already exists", key.2);
            return Err(Refusal::new(409, "AlreadyExists", message));
        }
        let must_exist =
            write.is_status || !matches!(write.change, Change::Apply(..) | Change::Create(_));
        if live.is_none() && must_exist {
            return Err(self.not_found(key));
        }
        let version = given["metadata"]["resourceVersion"].as_str().filter(|v| !v.is_empty());
        if let (Some(version), Some(live)) = (version, live)
            && live["metadata"]["resourceVersion"] != version
        {
            return Err(self.conflict(key, "the object has been modified; please apply your changes to the latest version and try again"));
        }
        if live.is_none() && !key.1.is_empty() {
            let namespace = (self.kind("Namespace"), String::new(), key.1.clone());
            self.get(&namespace)?;
        }
        Ok(())
    }

    fn conflict(&self, key: &Key, what: &str) -> Refusal {
        let resource = self.kinds[key.0].resource();
        let message = format!("Operation cannot be fulfilled on {resource} \"{}\": {what}", key.2);
        Refusal::new(409, "Conflict", message)
    }

    fn changed(
        &self,
        key: &Key,
        before: &Value,
        write: &Write<'_>,
        hand: Hand<'_>,
    ) -> Result<Value, Refusal> {
        match &write.change {
            Change::Apply(config, force) => fields::apply(before, config, hand, *force)
                .map_err(|why| Refusal::new(409, "Conflict", format!("Apply failed: {why}"))),
            Change::Merge(patch) => {
                let mut object = before.clone();
                merge(&mut object, patch);
                Ok(object)
            }
            Change::Create(given) | Change::Replace(given) => {
                let mut object = (*given).clone();
                let blank = self.blank(key);
                object["apiVersion"] = blank["apiVersion"].clone();
                object["kind"] = blank["kind"].clone();
                merge(&mut object["metadata"], &blank["metadata"]);
                Ok(object)
            }
        }
    }

    /// A write of the object leaves its status alone, and the other way round; nobody writes what only the server does.
    fn keep_what_is_not_written(
        &self,
        key: &Key,
        write: &Write<'_>,
        before: &Value,
        object: &mut Value,
    ) {
        let owners = object["metadata"]["managedFields"].clone();
        if write.is_status {
            let status = object.get("status").cloned();
            *object = before.clone();
            set(object, "status", status);
            object["metadata"]["managedFields"] = owners;
            return;
        }
        if self.kinds[key.0].has_status {
            set(object, "status", before.get("status").cloned());
        }
        const SERVERS: [&str; 5] =
            ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"];
        for field in SERVERS {
            set(&mut object["metadata"], field, before["metadata"].get(field).cloned());
        }
        // An empty list resets the owners; none leaves them as they are.
        if owners.is_null() {
            set(
                &mut object["metadata"],
                "managedFields",
                before["metadata"].get("managedFields").cloned(),
            );
        }
    }

    fn refuse_immutable(
        &self,
        key: &Key,
        live: Option<&Value>,
        object: &Value,
    ) -> Result<(), Refusal> {
        let is_broken = live.is_some_and(|live| {
            live["immutable"] == true
                && (live.get("data") != object.get("data") || object["immutable"] != true)
        });
        if !is_broken {
            return Ok(());
        }
        let message = format!(
            "{} \"{}\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
            self.kinds[key.0].kind, key.2
        );
        Err(Refusal::new(422, "Invalid", message))
    }

    /// Go's types do not print what is empty. What a definition defines is printed as it is.
    fn leave_out_what_is_empty(&self, key: &Key, object: &mut Value) {
        let is_empty = |value: &Value| {
            value.is_null()
                || value.as_object().is_some_and(serde_json::Map::is_empty)
                || value.as_array().is_some_and(Vec::is_empty)
        };
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.retain(|_, value| !is_empty(value));
        }
        let is_defined = self.kinds[key.0].group.contains('.');
        if let Some(map) = object.as_object_mut().filter(|_| !is_defined) {
            map.retain(|_, value| !is_empty(value));
        }
    }

    /// Counts what is wanted, where the kind does.
    fn count(&self, key: &Key, before: Option<&Value>, object: &mut Value) {
        if !self.kinds[key.0].has_status {
            return;
        }
        let wanted = |object: &Value| {
            let mut object = object.clone();
            let is_going = object["metadata"].get("deletionTimestamp").is_some();
            set(&mut object, "status", None);
            set(&mut object, "metadata", None);
            (object, is_going)
        };
        let generation = before.and_then(|b| b["metadata"]["generation"].as_u64()).unwrap_or(0);
        let is_other = before.is_none_or(|before| wanted(before) != wanted(object));
        object["metadata"]["generation"] = (generation + u64::from(is_other)).into();
    }

    /// Stores an object, or its end.
    fn put(
        &mut self,
        key: Key,
        before: Option<Arc<Value>>,
        mut object: Value,
        goes: bool,
    ) -> Arc<Value> {
        let version = self.version() + 1;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let object = Arc::new(object);
        let after = (!goes).then(|| Arc::clone(&object));
        match &after {
            Some(object) => self.objects.insert(key.clone(), Arc::clone(object)),
            None => self.objects.remove(&key),
        };
        self.log.push(Entry { version, key, before, after, last: Arc::clone(&object) });
        object
    }

    /// Deletes an object; it stays for as long as finalizers hold it.
    ///
    /// # Errors
    /// When it is not there, or is not the one that is meant.
    pub fn delete(&mut self, key: &Key, options: &Value) -> Result<Arc<Value>, Refusal> {
        let live = self.get(key)?;
        for (field, name) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            let wanted = options["preconditions"][field].as_str();
            let found = live["metadata"][field].as_str().unwrap_or_default();
            if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
                let what = format!(
                    "Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {found}"
                );
                return Err(self.conflict(key, &what));
            }
        }
        if live["metadata"].get("deletionTimestamp").is_some() {
            return Ok(live);
        }
        let mut object = (*live).clone();
        let goes = !is_held(&object);
        if !goes {
            object["metadata"]["deletionTimestamp"] = self.now().into();
            object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
            self.count(key, Some(&live), &mut object);
        }
        Ok(self.put(key.clone(), Some(live), object, goes))
    }
}

/// Do finalizers hold it?
fn is_held(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
}

fn set(object: &mut Value, field: &str, value: Option<Value>) {
    let Some(map) = object.as_object_mut() else { return };
    match value {
        Some(value) => map.insert(field.to_owned(), value),
        None => map.remove(field),
    };
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            set(object, key, None);
        } else {
            merge(&mut object[key.as_str()], value);
        }
    }
}
