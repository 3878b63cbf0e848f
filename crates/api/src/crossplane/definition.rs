use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::parts::{
    conditions, default_of, flag, immutable, list, long, map, named, object, text, type_ref, whole,
};
use super::{DEFINITION, DEFINITIONS, GROUP, VERSION};
use crate::crd::{Column, Crd, Scope, Version};

pub(super) fn crd() -> CustomResourceDefinition {
    let condition = |name, path| Column { name, path, type_: "string", priority: 0 };
    Crd {
        group: GROUP,
        kind: DEFINITION,
        plural: DEFINITIONS,
        short_names: &["xrd", "xrds"],
        categories: &["crossplane"],
        scope: Scope::Cluster,
        labels: &[],
        versions: vec![Version {
            name: VERSION,
            schema: whole(spec(), status()),
            columns: vec![
                condition("ESTABLISHED", ".status.conditions[?(@.type=='Established')].status"),
                condition("OFFERED", ".status.conditions[?(@.type=='Offered')].status"),
                Column { name: "AGE", ..Column::AGE },
            ],
        }],
    }
    .build()
}

fn spec() -> Value {
    let same_names = "self.kind == oldSelf.kind && self.plural == oldSelf.plural";
    object(
        [
            ("group", immutable(text(), "the group", "self == oldSelf")),
            ("names", immutable(names(), "kind and plural", same_names)),
            ("claimNames", immutable(names(), "kind and plural of claims", same_names)),
            ("connectionSecretKeys", list(&text())),
            ("defaultCompositionRef", named()),
            ("enforcedCompositionRef", named()),
            ("defaultCompositionUpdatePolicy", default_of(&["Automatic", "Manual"])),
            ("defaultCompositeDeletePolicy", default_of(&["Background", "Foreground"])),
            ("versions", list(&version())),
            ("conversion", conversion()),
            ("metadata", object([("annotations", map(&text())), ("labels", map(&text()))], &[])),
        ],
        &["group", "names", "versions"],
    )
}

fn names() -> Value {
    object(
        [
            ("categories", list(&text())),
            ("kind", text()),
            ("listKind", text()),
            ("plural", text()),
            ("shortNames", list(&text())),
            ("singular", text()),
        ],
        &["kind", "plural"],
    )
}

fn version() -> Value {
    let int = json!({"type": "integer", "format": "int32"});
    let column = object(
        [
            ("description", text()),
            ("format", text()),
            ("jsonPath", text()),
            ("name", text()),
            ("priority", int),
            ("type", text()),
        ],
        &["jsonPath", "name", "type"],
    );
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    object(
        [
            ("additionalPrinterColumns", list(&column)),
            ("deprecated", flag()),
            ("deprecationWarning", json!({"type": "string", "maxLength": 256})),
            ("name", text()),
            ("referenceable", flag()),
            ("schema", object([("openAPIV3Schema", free)], &[])),
            ("served", flag()),
        ],
        &["name", "referenceable", "served"],
    )
}

fn conversion() -> Value {
    let service = object(
        [("name", text()), ("namespace", text()), ("path", text()), ("port", long())],
        &["name", "namespace"],
    );
    let bytes = json!({"type": "string", "format": "byte"});
    let client = object([("caBundle", bytes), ("service", service), ("url", text())], &[]);
    let webhook = object(
        [("clientConfig", client), ("conversionReviewVersions", list(&text()))],
        &["conversionReviewVersions"],
    );
    object([("strategy", text()), ("webhook", webhook)], &["strategy"])
}

fn status() -> Value {
    let controllers = object(
        [("compositeResourceClaimType", type_ref()), ("compositeResourceType", type_ref())],
        &[],
    );
    object([("conditions", conditions()), ("controllers", controllers)], &[])
}
