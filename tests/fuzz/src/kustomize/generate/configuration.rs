//! configurations, crds: what kustomize is told about kinds.

use serde_json::{Value, json};

use super::objects::Object;
use super::{Feature, Maker};

/// Adds configuration to a layer.
pub(crate) fn add(maker: &mut Maker<'_>, path: &str, fields: &mut Value, _objects: &[Object]) {
    if maker.shows(Feature::Configurations) {
        let file = maker.file_name("config");
        let content = configuration(maker);
        maker.add(&format!("{path}/{file}"), &[content]);
        fields["configurations"] = json!([file]);
    }
    if maker.shows(Feature::Crds) {
        let file = maker.file_name("crd");
        maker.add(&format!("{path}/{file}"), &[schema()]);
        fields["crds"] = json!([file]);
    }
}

fn configuration(maker: &mut Maker<'_>) -> Value {
    let all = json!({
        "nameReference": [{"kind": "ConfigMap", "version": "v1", "fieldSpecs": [{"kind": "Widget", "path": "spec/ref/name"}, {"kind": "Widget", "path": "spec/text"}]},
            {"kind": "Widget", "fieldSpecs": [{"kind": "Widget", "path": "spec/list/name"}, {"path": "spec/plain", "kind": "Widget"}]}],
        "namePrefix": [{"path": "spec/text", "kind": "Widget"}],
        "nameSuffix": [{"path": "spec/text", "kind": "Widget"}],
        "namespace": [{"path": "spec/ref/namespace", "create": true, "kind": "Widget"}],
        "commonLabels": [{"path": "spec/selector/matchLabels", "create": maker.random.one_in(2), "kind": "Widget"}],
        "labels": [{"path": "spec/other/labels", "create": true, "kind": "Widget"}],
        "commonAnnotations": [{"path": "spec/notes", "create": true, "kind": "Widget"}],
        "images": [{"path": "spec/image", "kind": "Widget"}, {"path": "spec/containers/image"}],
        "replicas": [{"path": "spec/replicas", "create": true, "kind": "Widget"}],
        "varReference": [{"path": "spec/text", "kind": "Widget"}, {"path": "spec/plain"}, {"path": "data", "kind": "ConfigMap"}],
        "templateLabels": [{"path": "spec/template/metadata/labels", "create": true, "kind": "Widget"}],
    });
    let mut chosen = json!({});
    for (key, value) in all.as_object().into_iter().flatten() {
        if maker.random.one_in(3) {
            chosen[key] = value.clone();
        }
    }
    chosen
}

fn schema() -> Value {
    json!({
        "example.com/v1.Widget": {"Schema": {"properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
            "spec": {"$ref": "example.com/v1.WidgetSpec"}}}, "Dependencies": []},
        "example.com/v1.WidgetSpec": {"Schema": {"properties": {
            "text": {"type": "string", "x-kubernetes-annotation": "", "x-kubernetes-label-selector": ""},
            "ref": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "x-kubernetes-object-ref-name-key": "name", "type": "object"}}}, "Dependencies": []},
    })
}
