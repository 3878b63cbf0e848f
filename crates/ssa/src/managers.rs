use serde_json::{Map, Value};

/// Whose fields an applier takes over, so that what it does not want of them goes: those who wrote by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerRule {
    /// How the manager's name begins.
    pub prefix: String,
    /// `Apply` or `Update`.
    pub operation: &'static str,
}

impl ManagerRule {
    /// Is an entry of `metadata.managedFields` meant? Subresources never are.
    pub fn matches(&self, manager: &str, operation: &str, subresource: &str) -> bool {
        subresource.is_empty() && operation == self.operation && manager.starts_with(&*self.prefix)
    }
}

/// The managers that kustomize-controller takes over: kubectl in every form, itself from the time before server-side apply, and
/// those that an administrator names.
pub fn managers_taken_over(own: &str, more: &[String]) -> Vec<ManagerRule> {
    let rule = |prefix: &str, operation| ManagerRule { prefix: prefix.to_owned(), operation };
    let fixed = [
        rule("kubectl", "Apply"),
        rule("kubectl", "Update"),
        rule("before-first-apply", "Update"),
        rule(own, "Update"),
    ];
    let named = more.iter().flat_map(|name| [rule(name, "Apply"), rule(name, "Update")]);
    fixed.into_iter().chain(named).collect()
}

/// `metadata.managedFields` once the fields of all who match are `own`'s; nothing when nobody matches.
pub fn taken_over(entries: &[Value], rules: &[ManagerRule], own: &str) -> Option<Vec<Value>> {
    let is_own =
        |entry: &Value| text(entry, "manager") == own && text(entry, "operation") == "Apply";
    let mut held = entries.iter().find(|entry| is_own(entry)).cloned();
    let mut kept = Vec::new();
    let mut edited = false;
    for entry in entries.iter().filter(|entry| !is_own(entry)) {
        let is_meant = rules.iter().any(|rule| {
            let parts = ["manager", "operation", "subresource"].map(|field| text(entry, field));
            rule.matches(parts[0], parts[1], parts[2])
        });
        match &mut held {
            _ if !is_meant => kept.push(entry.clone()),
            Some(own) => {
                edited = true;
                unite(&mut own["fieldsV1"], &entry["fieldsV1"]);
            }
            None => {
                edited = true;
                let mut first = entry.clone();
                first["manager"] = own.into();
                first["operation"] = "Apply".into();
                held = Some(first);
            }
        }
    }
    edited.then(|| kept.into_iter().chain(held).collect())
}

/// Does another manager than `own` apply the field at a JSON pointer? An index of a list means the item with the same keys.
pub fn is_applied_by_another(object: &Value, pointer: &str, own: &str) -> bool {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let applied = entries.into_iter().flatten().filter(|entry| {
        text(entry, "operation") == "Apply" && text(entry, "subresource").is_empty()
    });
    let others = applied.filter(|entry| text(entry, "manager") != own);
    others.filter_map(|entry| entry.get("fieldsV1")).any(|fields| holds(fields, object, pointer))
}

/// Is the field at a pointer of an object among the fields?
fn holds(fields: &Value, object: &Value, pointer: &str) -> bool {
    let (mut fields, mut at) = (fields, object);
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match at {
            Value::Array(items) => {
                let item = step.parse::<usize>().ok().and_then(|index| items.get(index));
                item.and_then(|item| Some((item_fields(fields, item)?, item)))
            }
            _ => {
                fields.get(format!("f:{step}")).map(|f| (f, at.get(&step).unwrap_or(&Value::Null)))
            }
        };
        let Some(next) = next else { return false };
        (fields, at) = next;
    }
    true
}

/// The fields of the item of a list that is known by its keys.
fn item_fields<'a>(fields: &'a Value, item: &Value) -> Option<&'a Value> {
    fields.as_object()?.iter().find_map(|(key, fields)| {
        let keys: Map<String, Value> = serde_json::from_str(key.strip_prefix("k:")?).ok()?;
        keys.iter().all(|(key, value)| item.get(key) == Some(value)).then_some(fields)
    })
}

/// Adds fields to fields. A field is a key, and what is below it the fields of its value.
fn unite(fields: &mut Value, more: &Value) {
    if fields.is_null() {
        fields.clone_from(more);
    }
    let (Value::Object(fields), Value::Object(more)) = (fields, more) else { return };
    for (key, more) in more {
        match fields.get_mut(key) {
            Some(held) => unite(held, more),
            None => drop(fields.insert(key.clone(), more.clone())),
        }
    }
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{is_applied_by_another, managers_taken_over, taken_over};
    use serde_json::{Value, json};

    const OWN: &str = "kustomize-controller";

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "fieldsV1": fields})
    }

    fn after(entries: &[Value]) -> Option<Vec<Value>> {
        taken_over(entries, &managers_taken_over(OWN, &["helm".to_owned()]), OWN)
    }

    #[test]
    fn what_was_written_by_hand_becomes_ours() {
        let entries = [
            entry("kubectl-edit", "Update", &json!({"f:a": {"f:b": {}}})),
            entry("hpa", "Update", &json!({"f:c": {}})),
            entry(OWN, "Apply", &json!({"f:a": {"f:x": {}}})),
            entry("helm", "Apply", &json!({"f:d": {}})),
        ];
        let united = json!({"f:a": {"f:x": {}, "f:b": {}}, "f:d": {}});
        let expected = vec![entries[1].clone(), entry(OWN, "Apply", &united)];
        assert_eq!(after(&entries), Some(expected));
    }

    #[test]
    fn the_first_takes_our_name_where_we_have_no_entry() {
        let entries = [
            entry("kubectl-client-side-apply", "Update", &json!({"f:a": {}})),
            entry(OWN, "Update", &json!({"f:b": {}})),
        ];
        let expected = vec![entry(OWN, "Apply", &json!({"f:a": {}, "f:b": {}}))];
        assert_eq!(after(&entries), Some(expected));
    }

    #[test]
    fn controllers_and_status_are_left_alone() {
        let mut status = entry("kubectl-edit", "Update", &json!({}));
        status["subresource"] = "status".into();
        let other = entry("kube-controller-manager", "Update", &json!({}));
        assert_eq!(after(&[status, other, entry(OWN, "Apply", &json!({}))]), None);
        assert_eq!(after(&[]), None);
    }

    #[test]
    fn fields_are_found_through_lists() {
        let fields = json!({"f:spec": {"f:replicas": {},
            "f:containers": {"k:{\"name\":\"b\"}": {"f:image": {}}}}});
        let object = json!({
            "metadata": {"managedFields": [
                entry("vpa", "Apply", &fields), entry("hpa", "Update", &json!({"f:x": {}})),
            ]},
            "spec": {"replicas": 1, "containers": [{"name": "a"}, {"name": "b", "image": "i"}]},
        });
        let by_another = |pointer| is_applied_by_another(&object, pointer, OWN);
        assert!(by_another("/spec/replicas") && by_another("/spec/containers/1/image"));
        for pointer in ["/spec/containers/0/image", "/spec/containers/9", "/x", "/spec/a~1b"] {
            assert!(!by_another(pointer), "{pointer}");
        }
        assert!(!is_applied_by_another(&object, "/spec/replicas", "vpa"));
    }
}
