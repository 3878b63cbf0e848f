//! configMapGenerator and secretGenerator.

use serde_json::{Value, json};

use super::objects::{NAMES, NAMESPACES, Object};
use super::scalars::{self, ANY, TEXT};
use super::{Feature, Maker, patches};

const ENV_LINES: &[&str] = &[
    "A=1",
    "B=two words",
    "C=",
    "# comment",
    "",
    "  D=lead",
    "E=a=b",
    "F = x",
    "G=\"quoted\"",
    "H='q'",
    "A_B.C-d=e",
    "I=é",
    "J=#no",
    "K=x  ",
];

/// Adds generators to a layer.
pub(crate) fn add(
    maker: &mut Maker<'_>,
    path: &str,
    fields: &mut Value,
    objects: &mut Vec<Object>,
) {
    let sorts = [
        (Feature::ConfigMaps, "configMapGenerator", "ConfigMap"),
        (Feature::Secrets, "secretGenerator", "Secret"),
    ];
    let mut has_any = false;
    for (feature, field, kind) in sorts {
        if !maker.shows(feature) {
            continue;
        }
        for _ in 0..=maker.random.below(1) {
            has_any = true;
            let generator = generator(maker, path, kind, objects);
            patches::push(fields, field, generator);
        }
    }
    if has_any && maker.random.one_in(3) {
        fields["generatorOptions"] = options(maker);
    }
}

/// One generator; its object is remembered when it is new.
pub(crate) fn generator(
    maker: &mut Maker<'_>,
    path: &str,
    kind: &'static str,
    objects: &mut Vec<Object>,
) -> Value {
    let earlier: Vec<Object> =
        objects.iter().filter(|object| object.kind == kind).cloned().collect();
    let mut generator = json!({});
    match (maker.object(&earlier), maker.random.below(3)) {
        (Some(object), 0 | 1) => {
            generator["name"] = json!(object.name);
            generator["behavior"] =
                json!(maker.random.pick(&["merge", "merge", "replace", "create"]));
            if let Some(namespace) = object.namespace {
                generator["namespace"] = json!(namespace);
            }
        }
        _ => {
            let name = maker.random.pick(&NAMES);
            generator["name"] = json!(name);
            let namespace =
                maker.random.one_in(5).then(|| maker.random.pick(&NAMESPACES).to_owned());
            if let Some(namespace) = &namespace {
                generator["namespace"] = json!(namespace);
            }
            let document = json!({"kind": kind, "metadata": {"name": name}});
            objects.push(Object {
                version: "v1",
                kind,
                name: name.to_owned(),
                namespace,
                document,
            });
        }
    }
    sources(maker, path, &mut generator);
    if kind == "Secret" && maker.random.one_in(3) {
        generator["type"] =
            json!(maker.random.pick(&["Opaque", "kubernetes.io/tls", "example.com/x"]));
    }
    if maker.random.one_in(3) {
        generator["options"] = options(maker);
    }
    generator
}

fn sources(maker: &mut Maker<'_>, path: &str, generator: &mut Value) {
    if maker.random.one_in(2) {
        let odd = maker.has(Feature::OddScalars);
        let literals: Vec<String> =
            (0..=maker.random.below(2)).map(|at| literal(maker, at, odd)).collect();
        generator["literals"] = json!(literals);
    }
    if maker.random.one_in(3) {
        let stem = maker.file_name("file");
        let content = content(maker);
        maker.add_bytes(&format!("{path}/{stem}"), &content);
        let entry = if maker.random.one_in(2) { format!("key.txt={stem}") } else { stem };
        generator["files"] = json!([entry]);
    }
    if maker.random.one_in(4) {
        let file = format!("{}.env", maker.file_name("vars"));
        let mut text = String::new();
        for _ in 0..maker.random.below(4) {
            text.push_str(maker.random.pick(ENV_LINES));
            text.push_str(maker.random.pick(&["\n", "\n", "\n", "\r\n"]));
        }
        maker.add_bytes(&format!("{path}/{file}"), text.as_bytes());
        if maker.random.one_in(4) {
            generator["env"] = json!(file);
        } else {
            generator["envs"] = json!([file]);
        }
    }
}

fn literal(maker: &mut Maker<'_>, at: usize, odd: bool) -> String {
    let key = ["k", "l", "m"][at.min(2)];
    let random = &mut *maker.random;
    let value = if odd && random.one_in(2) {
        scalars::words(random)
    } else {
        random
            .pick(&[
                "v",
                "two words",
                "\"quoted\"",
                "'single'",
                "a=b",
                "",
                "5",
                "true",
                "\"",
                "x\ny\n",
                "'half",
                "ünï",
            ])
            .to_owned()
    };
    format!("{key}={value}")
}

fn content(maker: &mut Maker<'_>) -> Vec<u8> {
    let random = &mut *maker.random;
    match random.below(8) {
        0 => vec![0xff, 0xfe, 0x00, 0x41],
        1 => Vec::new(),
        2 => b"a: 1\nb:\n  - x\n".to_vec(),
        3 => b"crlf\r\nlines\r\n".to_vec(),
        4 => b"tab\there  \n\n".to_vec(),
        5 => (0..200).map(|at| b'a' + (at % 26)).collect(),
        6 => "\u{feff}bom é 😀\n".as_bytes().to_vec(),
        _ => scalars::words(random).into_bytes(),
    }
}

fn options(maker: &mut Maker<'_>) -> Value {
    let random = &mut *maker.random;
    let mut options = json!({});
    if random.one_in(2) {
        options["disableNameSuffixHash"] = json!(random.one_in(2));
    }
    if random.one_in(3) {
        options["labels"] = json!({"generated": TEXT});
    }
    if random.one_in(3) {
        options["annotations"] = json!({"note": TEXT});
    }
    if random.one_in(4) {
        options["immutable"] = json!(random.one_in(2));
    }
    if random.one_in(40) {
        options["labels"] = json!({"generated": ANY});
    }
    options
}
