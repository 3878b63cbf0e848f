use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::parts::{
    any, conditions, default_of, embedded, flag, immutable, list, long, map, named, object, one_of,
    text, type_ref, whole,
};
use super::{COMPOSITION, COMPOSITIONS, GROUP, REVISION, REVISIONS, VERSION};
use crate::crd::{Column, Crd, Scope, Version};

const KIND: Column = Column::text("XR-KIND", ".spec.compositeTypeRef.kind");
const API_VERSION: Column = Column::text("XR-APIVERSION", ".spec.compositeTypeRef.apiVersion");
const AGE: Column = Column { name: "AGE", ..Column::AGE };

pub(super) fn crd() -> CustomResourceDefinition {
    let rule = "self.apiVersion == oldSelf.apiVersion && self.kind == oldSelf.kind";
    let type_ref = immutable(type_ref(), "compositeTypeRef", rule);
    let spec = spec([("compositeTypeRef", type_ref)], &["compositeTypeRef"]);
    let nothing = json!({"type": "object"});
    let schema = whole(spec, nothing);
    let columns = vec![KIND, API_VERSION, AGE];
    kind(COMPOSITION, COMPOSITIONS, &["comp"], vec![Version { name: VERSION, schema, columns }])
}

/// The older version is served because a live installation may have stored it.
pub(super) fn revision_crd() -> CustomResourceDefinition {
    let fields = [("compositeTypeRef", type_ref()), ("revision", long())];
    let spec = spec(fields, &["compositeTypeRef", "revision"]);
    let schema = whole(spec, object([("conditions", conditions())], &[]));
    let number = Column::text("REVISION", ".spec.revision");
    let version = |name| Version {
        name,
        schema: schema.clone(),
        columns: vec![number, KIND, API_VERSION, AGE],
    };
    kind(REVISION, REVISIONS, &["comprev"], vec![version(VERSION), version("v1beta1")])
}

fn kind(
    kind: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    versions: Vec<Version>,
) -> CustomResourceDefinition {
    let (group, categories, scope) = (GROUP, &["crossplane"], Scope::Cluster);
    Crd { group, kind, plural, short_names, categories, scope, labels: &[], versions }.build()
}

/// What Compositions and their revisions share, and fields of one of them.
fn spec<const N: usize>(own: [(&str, Value); N], required: &[&str]) -> Value {
    let mut store = named();
    store["default"] = json!({"name": "default"});
    let mut spec = object(
        [
            ("environment", environment()),
            ("mode", default_of(&["Resources", "Pipeline"])),
            ("patchSets", list(&patch_set())),
            ("pipeline", list(&step())),
            ("publishConnectionDetailsWithStoreConfigRef", store),
            ("resources", list(&resource())),
            ("writeConnectionSecretsToNamespace", text()),
        ],
        required,
    );
    if let Some(properties) = spec["properties"].as_object_mut() {
        properties.extend(own.map(|(name, schema)| (name.to_owned(), schema)));
    }
    spec
}

fn patch_set() -> Value {
    let fields = [("name", text()), ("patches", list(&template_patch()))];
    object(fields, &["name", "patches"])
}

fn step() -> Value {
    let fields = [("functionRef", named()), ("input", embedded()), ("step", text())];
    object(fields, &["functionRef", "step"])
}

fn resource() -> Value {
    let mut checks = list(&check());
    checks["default"] =
        json!([{"type": "MatchCondition", "matchCondition": {"type": "Ready", "status": "True"}}]);
    object(
        [
            ("base", embedded()),
            ("connectionDetails", list(&detail())),
            ("name", text()),
            ("patches", list(&template_patch())),
            ("readinessChecks", checks),
        ],
        &["base"],
    )
}

fn detail() -> Value {
    object(
        [
            ("fromConnectionSecretKey", text()),
            ("fromFieldPath", text()),
            ("name", text()),
            ("type", one_of(&["FromConnectionSecretKey", "FromFieldPath", "FromValue"])),
            ("value", text()),
        ],
        &[],
    )
}

fn check() -> Value {
    let with_default = |text: &str| json!({"type": "string", "default": text});
    let condition = object(
        [("status", with_default("True")), ("type", with_default("Ready"))],
        &["status", "type"],
    );
    let types = [
        "MatchString",
        "MatchInteger",
        "NonEmpty",
        "MatchCondition",
        "MatchTrue",
        "MatchFalse",
        "None",
    ];
    object(
        [
            ("fieldPath", text()),
            ("matchCondition", condition),
            ("matchInteger", long()),
            ("matchString", text()),
            ("type", one_of(&types)),
        ],
        &["type"],
    )
}

fn template_patch() -> Value {
    let types = [
        "FromCompositeFieldPath",
        "FromEnvironmentFieldPath",
        "PatchSet",
        "ToCompositeFieldPath",
        "ToEnvironmentFieldPath",
        "CombineFromEnvironment",
        "CombineFromComposite",
        "CombineToComposite",
        "CombineToEnvironment",
    ];
    let mut patch = patch(&types);
    if let Some(properties) = patch["properties"].as_object_mut() {
        properties.insert("patchSetName".to_owned(), text());
    }
    patch
}

fn patch(types: &[&str]) -> Value {
    let variables = {
        let mut list = list(&object([("fromFieldPath", text())], &["fromFieldPath"]));
        list["minItems"] = 1.into();
        list
    };
    let combine = object(
        [
            ("strategy", one_of(&["string"])),
            ("string", object([("fmt", text())], &["fmt"])),
            ("variables", variables),
        ],
        &["strategy", "variables"],
    );
    let merge = object([("appendSlice", flag()), ("keepMapValues", flag())], &[]);
    let policy = object(
        [("fromFieldPath", one_of(&["Optional", "Required"])), ("mergeOptions", merge)],
        &[],
    );
    object(
        [
            ("combine", combine),
            ("fromFieldPath", text()),
            ("policy", policy),
            ("toFieldPath", text()),
            ("transforms", list(&transform())),
            ("type", default_of(types)),
        ],
        &[],
    )
}

fn transform() -> Value {
    let types = ["map", "match", "math", "string", "convert"];
    object(
        [
            ("convert", convert()),
            ("map", map(&any())),
            ("match", matching()),
            ("math", math()),
            ("string", strings()),
            ("type", one_of(&types)),
        ],
        &["type"],
    )
}

fn convert() -> Value {
    let types = ["string", "int", "int64", "bool", "float64", "object", "array"];
    let formats = ["none", "quantity", "json"];
    object([("format", one_of(&formats)), ("toType", one_of(&types))], &["toType"])
}

fn matching() -> Value {
    let pattern = object(
        [
            ("literal", text()),
            ("regexp", text()),
            ("result", any()),
            ("type", default_of(&["literal", "regexp"])),
        ],
        &["result", "type"],
    );
    object(
        [
            ("fallbackTo", default_of(&["Value", "Input"])),
            ("fallbackValue", any()),
            ("patterns", list(&pattern)),
        ],
        &[],
    )
}

fn math() -> Value {
    object(
        [
            ("clampMax", long()),
            ("clampMin", long()),
            ("multiply", long()),
            ("type", default_of(&["Multiply", "ClampMin", "ClampMax"])),
        ],
        &[],
    )
}

fn strings() -> Value {
    let conversions = [
        "ToUpper",
        "ToLower",
        "ToBase64",
        "FromBase64",
        "ToJson",
        "ToSha1",
        "ToSha256",
        "ToSha512",
        "ToAdler32",
    ];
    let types = ["Format", "Convert", "TrimPrefix", "TrimSuffix", "Regexp", "Join"];
    let group = json!({"type": "integer"});
    object(
        [
            ("convert", one_of(&conversions)),
            ("fmt", text()),
            ("join", object([("separator", text())], &["separator"])),
            ("regexp", object([("group", group), ("match", text())], &["match"])),
            ("trim", text()),
            ("type", default_of(&types)),
        ],
        &[],
    )
}

fn environment() -> Value {
    let types = [
        "FromCompositeFieldPath",
        "ToCompositeFieldPath",
        "CombineFromComposite",
        "CombineToComposite",
    ];
    let policy = object(
        [
            ("resolution", default_of(&["Required", "Optional"])),
            ("resolve", one_of(&["Always", "IfNotPresent"])),
        ],
        &[],
    );
    object(
        [
            ("defaultData", map(&any())),
            ("environmentConfigs", list(&environment_config())),
            ("patches", list(&patch(&types))),
            ("policy", policy),
        ],
        &[],
    )
}

fn environment_config() -> Value {
    let label = object(
        [
            ("fromFieldPathPolicy", default_of(&["Required", "Optional"])),
            ("key", text()),
            ("type", default_of(&["FromCompositeFieldPath", "Value"])),
            ("value", text()),
            ("valueFromFieldPath", text()),
        ],
        &["key"],
    );
    let selector = object(
        [
            ("matchLabels", list(&label)),
            ("maxMatch", long()),
            ("minMatch", long()),
            ("mode", default_of(&["Single", "Multiple"])),
            ("sortByFieldPath", json!({"type": "string", "default": "metadata.name"})),
        ],
        &[],
    );
    let fields = [
        ("ref", named()),
        ("selector", selector),
        ("type", default_of(&["Reference", "Selector"])),
    ];
    object(fields, &[])
}
