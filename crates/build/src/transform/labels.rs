use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::fields::{Field, POD_TEMPLATES};
use crate::kustomization::LabelRule;
use crate::resources::Resources;

type Pairs = BTreeMap<String, String>;

/// `metadata.<field>` of objects and of the templates in them.
fn metadata(field: &str) -> Vec<Field> {
    let mut fields = vec![Field::everywhere(&format!("metadata/{field}"))];
    for (group, kind, template) in POD_TEMPLATES {
        // kustomize asks for the group only where a kind of the same name exists elsewhere.
        let group = if matches!(kind, "StatefulSet" | "Job" | "CronJob") { group } else { "" };
        fields.push(Field::of(group, kind, &format!("{template}/metadata/{field}")));
    }
    fields.push(Field::of("batch", "CronJob", &format!("spec/jobTemplate/metadata/{field}")));
    fields
}

static TEMPLATE_LABELS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let mut fields = metadata("labels");
    fields.push(Field::of("apps", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"));
    fields
});
static ANNOTATIONS: LazyLock<Vec<Field>> = LazyLock::new(|| metadata("annotations"));

/// Every place where a common label goes, selectors included.
static COMMON_LABELS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let core = |kind| Field { version: "v1".to_owned(), ..Field::of("", kind, "spec/selector") };
    let mut fields = vec![core("Service"), core("ReplicationController")];
    for (group, kind) in
        [("", "Deployment"), ("", "ReplicaSet"), ("", "DaemonSet"), ("apps", "StatefulSet")]
    {
        fields.push(Field::of(group, kind, "spec/selector/matchLabels"));
    }
    for kind in ["Deployment", "StatefulSet"] {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            for rule in [
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
                "requiredDuringSchedulingIgnoredDuringExecution",
            ] {
                let path = format!(
                    "spec/template/spec/affinity/{affinity}/{rule}/labelSelector/matchLabels"
                );
                fields.push(Field::of("apps", kind, &path).existing());
            }
        }
        let spread = "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels";
        fields.push(Field::of("apps", kind, spread).existing());
    }
    for (group, kind, path) in [
        ("batch", "Job", "spec/selector/matchLabels"),
        ("batch", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
        ("policy", "PodDisruptionBudget", "spec/selector/matchLabels"),
        ("networking.k8s.io", "NetworkPolicy", "spec/podSelector/matchLabels"),
        ("networking.k8s.io", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
        ("networking.k8s.io", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
    ] {
        fields.push(Field::of(group, kind, path).existing());
    }
    fields.extend(TEMPLATE_LABELS.iter().cloned());
    fields
});

/// `labels[]`.
pub(super) fn rule(rule: &LabelRule, resources: &mut Resources) {
    let mut fields: Vec<Field> = rule
        .fields
        .iter()
        .map(|f| Field {
            group: f.group.clone(),
            version: f.version.clone(),
            kind: f.kind.clone(),
            path: f.path.clone(),
            create: f.create,
        })
        .collect();
    match (rule.include_selectors, rule.include_templates) {
        (true, _) => fields.extend(COMMON_LABELS.iter().cloned()),
        (false, true) => fields.extend(TEMPLATE_LABELS.iter().cloned()),
        (false, false) => fields.push(Field::everywhere("metadata/labels")),
    }
    set(&rule.pairs, &fields, resources);
}

/// `commonLabels`.
pub(super) fn common(pairs: &Pairs, resources: &mut Resources) {
    set(pairs, &COMMON_LABELS, resources);
}

/// `commonAnnotations`.
pub(super) fn annotations(pairs: &Pairs, resources: &mut Resources) {
    set(pairs, &ANNOTATIONS, resources);
}

fn set(pairs: &Pairs, fields: &[Field], resources: &mut Resources) {
    if pairs.is_empty() {
        return;
    }
    let blank = Value::Object(Map::new());
    for resource in resources.iter_mut() {
        let gvk = resource.gvk();
        for field in fields.iter().filter(|f| f.admits(&gvk)) {
            field.visit(&mut resource.value, &blank, &mut |value| {
                if let Value::Object(map) = value {
                    for (key, text) in pairs {
                        map.insert(key.clone(), text.as_str().into());
                    }
                }
            });
        }
    }
}
