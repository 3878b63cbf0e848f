//! Layers on layers.

use serde_json::{Value, json};

use super::objects::{self, NAMES, NAMESPACES, Object};
use super::pods::IMAGES;
use super::scalars::TEXT;
use super::{Feature, Maker, configuration, generators, patches, plugins, replacements};

/// A layer that others may stand on.
struct Layer {
    path: &'static str,
    objects: Vec<Object>,
}

/// Fills the case with layers, and names the topmost.
pub(crate) fn stack(maker: &mut Maker<'_>) {
    let base = layer(maker, "base", &[], None);
    let top = match maker.random.below(6) {
        0 | 1 => base,
        2 => layer(maker, "overlay", &[&base], None),
        3 => {
            let component = component(maker, "component", &base);
            layer(maker, "overlay", &[&base], Some(&component))
        }
        4 => {
            let (left, right) =
                (layer(maker, "left", &[&base], None), layer(maker, "right", &[&base], None));
            layer(maker, "top", &[&left, &right], None)
        }
        _ => {
            let middle = layer(maker, "middle", &[&base], None);
            layer(maker, "top", &[&middle], None)
        }
    };
    maker.set_path(top.path);
}

fn layer(
    maker: &mut Maker<'_>,
    path: &'static str,
    below: &[&Layer],
    with: Option<&Layer>,
) -> Layer {
    let mut fields = json!({});
    let mut resources: Vec<Value> = Vec::new();
    let mut all: Vec<Object> = Vec::new();
    for base in below {
        resources.push(json!(format!("../{}", base.path)));
        all.extend(base.objects.iter().cloned());
    }
    let own = if below.is_empty() { 1 + maker.random.below(5) } else { maker.random.below(3) };
    for file in files(maker, path, own, &mut all) {
        resources.push(json!(file));
    }
    if maker.random.one_in(4) {
        maker.random.shuffle(&mut resources);
    }
    if !resources.is_empty() {
        fields["resources"] = Value::from(resources);
    }
    if let Some(component) = with {
        fields["components"] = json!([format!("../{}", component.path)]);
    }
    finish(maker, path, fields, &mut all);
    Layer { path, objects: all }
}

fn component(maker: &mut Maker<'_>, path: &'static str, base: &Layer) -> Layer {
    let mut all = base.objects.clone();
    let count = maker.random.below(2);
    let resources = files(maker, path, count, &mut all);
    let mut fields = json!({"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"});
    if !resources.is_empty() {
        fields["resources"] = json!(resources);
    }
    finish(maker, path, fields, &mut all);
    Layer { path, objects: all }
}

/// New objects in files; the names of the files.
fn files(maker: &mut Maker<'_>, path: &str, count: usize, all: &mut Vec<Object>) -> Vec<String> {
    let mut files = Vec::new();
    let mut documents = Vec::new();
    for at in 0..count {
        if let Some((object, document)) = objects::object(maker, all) {
            all.push(object);
            documents.push(document);
        }
        if !documents.is_empty() && (at + 1 == count || maker.random.one_in(2)) {
            let file = maker.file_name("r");
            let listed = objects::listed(maker, std::mem::take(&mut documents));
            maker.add(&format!("{path}/{file}"), &listed);
            files.push(file);
        }
    }
    files
}

/// What a layer does beside naming resources, and its file.
fn finish(maker: &mut Maker<'_>, path: &str, mut fields: Value, all: &mut Vec<Object>) {
    generators::add(maker, path, &mut fields, all);
    simple(maker, &mut fields, all);
    patches::add(maker, path, &mut fields, all);
    replacements::add(maker, path, &mut fields, all);
    plugins::add(maker, path, &mut fields, all);
    configuration::add(maker, path, &mut fields, all);
    if fields.as_object().is_none_or(serde_json::Map::is_empty) {
        fields["namePrefix"] = json!("");
        fields["resources"] = json!([]);
    }
    let file = match maker.random.below(12) {
        0 => "kustomization.yml",
        1 => "Kustomization",
        _ => "kustomization.yaml",
    };
    maker.add(&format!("{path}/{file}"), &[fields]);
}

/// The fields that are a few words.
fn simple(maker: &mut Maker<'_>, fields: &mut Value, all: &[Object]) {
    if maker.shows(Feature::Prefix) {
        fields["namePrefix"] = json!(maker.random.pick(&["pre-", "p.", "a-b-"]));
    }
    if maker.shows(Feature::Suffix) {
        fields["nameSuffix"] = json!(maker.random.pick(&["-suf", ".s", "-v1"]));
    }
    if maker.shows(Feature::Namespace) {
        fields["namespace"] = json!(maker.random.pick(&NAMESPACES));
    }
    if maker.shows(Feature::CommonLabels) {
        fields["commonLabels"] = json!({"app": maker.random.pick(&NAMES), "common": TEXT});
    }
    if maker.shows(Feature::Annotations) {
        fields["commonAnnotations"] = json!({"note": TEXT, "example.com/common": "c"});
    }
    if maker.shows(Feature::Labels) {
        let rules: Vec<Value> = (0..=maker.random.below(2)).map(|_| label_rule(maker)).collect();
        fields["labels"] = Value::from(rules);
    }
    if maker.shows(Feature::Images) {
        let images: Vec<Value> = (0..=maker.random.below(2)).map(|_| image(maker)).collect();
        fields["images"] = Value::from(images);
    }
    if maker.shows(Feature::Replicas)
        && let Some(object) = maker.object_of(all, |it| it.has("/spec/replicas"))
    {
        fields["replicas"] = json!([{"name": object.name, "count": maker.random.below(9)}]);
    }
    if maker.shows(Feature::Metadata) {
        let mut options = vec!["originAnnotations", "transformerAnnotations", "managedByLabel"];
        let random = &mut *maker.random;
        options.retain(|_| random.one_in(2));
        fields["buildMetadata"] = json!(options);
    }
    if maker.shows(Feature::Sort) {
        fields["sortOptions"] = match maker.random.below(4) {
            0 => json!({"order": "fifo"}),
            1 => json!({"order": "legacy"}),
            2 => {
                json!({"order": "legacy", "legacySortOptions": {"orderFirst": ["Deployment", "Secret"], "orderLast": ["Namespace", "ConfigMap"]}})
            }
            _ => json!({"order": "legacy", "legacySortOptions": {"orderFirst": ["Widget"]}}),
        };
    }
}

fn label_rule(maker: &mut Maker<'_>) -> Value {
    let random = &mut *maker.random;
    let mut rule = json!({"pairs": {"rule": TEXT, "app": random.pick(&NAMES)}});
    if random.one_in(2) {
        rule["includeSelectors"] = json!(random.one_in(2));
    }
    if random.one_in(2) {
        rule["includeTemplates"] = json!(random.one_in(2));
    }
    if random.one_in(3) {
        rule["fields"] = json!([{"path": random.pick(&["spec/extra/labels", "spec/template/metadata/labels", "spec/list[]/labels"]),
            "create": random.one_in(2), "kind": random.pick(&["Widget", "Deployment", "Service"])}]);
    }
    rule
}

fn image(maker: &mut Maker<'_>) -> Value {
    let random = &mut *maker.random;
    let name = random.pick(&IMAGES);
    let name = name.split(['@']).next().unwrap_or(name);
    let name = name
        .rsplit_once(':')
        .map_or(name, |(head, tail)| if tail.contains('/') { name } else { head });
    let mut image = json!({ "name": if random.one_in(10) { "nginx.*" } else { name } });
    if random.one_in(2) {
        image["newName"] = json!(random.pick(&["other", "reg.example.com/other", "reg:5000/x/y"]));
    }
    match random.below(5) {
        0 | 1 => image["newTag"] = json!(random.pick(&["v2", "1.10", "latest"])),
        2 => image["digest"] = json!("sha256:aaaa"),
        3 => image["tagSuffix"] = json!("-alpine"),
        _ => {}
    }
    image
}
