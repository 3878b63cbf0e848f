use super::Xrd;
use capstan_model::Manifest;
use serde_json::{Value, json};

pub(crate) fn network() -> Value {
    json!({
        "apiVersion": "apiextensions.crossplane.io/v1",
        "kind": "CompositeResourceDefinition",
        "metadata": {"name": "xnetworks.example.org", "labels": {"team": "a"}},
        "spec": {
            "group": "example.org",
            "names": {"kind": "XNetwork", "plural": "xnetworks", "categories": ["infra"]},
            "claimNames": {"kind": "Network", "plural": "networks"},
            "defaultCompositionUpdatePolicy": "Manual",
            "metadata": {"labels": {"extra": "b"}, "annotations": {"note": "c"}},
            "versions": [{
                "name": "v1", "served": true, "referenceable": true,
                "additionalPrinterColumns": [{"name": "CIDR", "type": "string", "jsonPath": ".spec.cidr"}],
                "schema": {"openAPIV3Schema": {"type": "object", "description": "A network.", "properties": {
                    "spec": {"type": "object", "required": ["cidr"], "minProperties": 1, "properties": {
                        "cidr": {"type": "string"}, "claimRef": {"type": "integer"}}},
                    "status": {"type": "object", "properties": {"id": {"type": "string"}}},
                }}},
            }],
        },
    })
}

fn xrd(value: Value) -> Xrd {
    Xrd::parse(&Manifest::try_from(value).expect("an object")).expect("a valid XRD")
}

fn error(change: impl FnOnce(&mut Value)) -> String {
    let mut value = network();
    change(&mut value);
    let object = Manifest::try_from(value).expect("an object");
    Xrd::parse(&object).expect_err("not valid").to_string()
}

#[test]
fn a_composite_crd_has_the_authors_fields_and_ours() {
    let crd = xrd(network()).composite_crd();
    assert_eq!(crd["metadata"]["name"], "xnetworks.example.org");
    assert_eq!(crd["metadata"]["labels"], json!({"team": "a", "extra": "b"}));
    assert_eq!(crd["metadata"]["annotations"], json!({"note": "c"}));
    assert_eq!(crd["spec"]["scope"], "Cluster");
    assert_eq!(crd["spec"]["names"]["categories"], json!(["infra", "composite"]));
    let version = &crd["spec"]["versions"][0];
    assert_eq!(version["subresources"], json!({"status": {}}));
    let columns: Vec<&str> = version["additionalPrinterColumns"]
        .as_array()
        .expect("columns")
        .iter()
        .filter_map(|column| column["name"].as_str())
        .collect();
    assert_eq!(columns, ["CIDR", "SYNCED", "READY", "COMPOSITION", "AGE"]);
    let schema = &version["schema"]["openAPIV3Schema"];
    assert_eq!(schema["description"], "A network.");
    assert_eq!(schema["properties"]["metadata"]["properties"]["name"]["maxLength"], 63);
    let spec = &schema["properties"]["spec"];
    assert_eq!(spec["required"], json!(["cidr"]));
    assert_eq!(spec.get("minProperties"), None, "only some parts of the author's schema survive");
    assert_eq!(spec["properties"]["claimRef"]["type"], "object", "ours wins");
    assert_eq!(spec["properties"]["compositionUpdatePolicy"]["default"], "Manual");
    assert_eq!(spec["properties"]["resourceRefs"]["x-kubernetes-list-type"], "atomic");
    assert_eq!(schema["properties"]["status"]["properties"]["id"]["type"], "string");
    assert_eq!(
        schema["properties"]["status"]["properties"]["conditions"]["x-kubernetes-list-map-keys"],
        json!(["type"])
    );
}

#[test]
fn a_claim_crd_refers_to_one_composite() {
    let crd = xrd(network()).claim_crd().expect("it offers claims");
    assert_eq!(crd["metadata"]["name"], "networks.example.org");
    assert_eq!(crd["spec"]["scope"], "Namespaced");
    assert_eq!(crd["spec"]["names"]["categories"], json!(["claim"]));
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(
        spec["properties"]["resourceRef"]["required"],
        json!(["apiVersion", "kind", "name"])
    );
    assert_eq!(spec["properties"].get("resourceRefs"), None);
    assert_eq!(spec["properties"]["compositeDeletePolicy"]["default"], "Background");
    assert_eq!(spec["properties"]["writeConnectionSecretToRef"]["required"], json!(["name"]));
}

#[test]
fn what_cannot_become_a_crd_says_why() {
    for (error, part) in [
        (
            error(|v| v["spec"]["versions"][0]["referenceable"] = false.into()),
            "exactly one must be",
        ),
        (error(|v| v["metadata"]["name"] = "other".into()), "`xnetworks.example.org`"),
        (error(|v| v["spec"]["claimNames"]["kind"] = "XNetwork".into()), "claimNames.kind"),
        (error(|v| v["spec"]["versions"][0]["schema"] = Value::Null), "versions[0].schema"),
        (error(|v| v["spec"]["versions"] = "x".into()), "spec: invalid type"),
    ] {
        assert!(error.contains(part), "{error}");
    }
}
