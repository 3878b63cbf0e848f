use super::{ClaimError, status, sync};
use crate::xrd::Xrd;
use capstan_model::Manifest;
use serde_json::{Value, json};

fn manifest(value: Value) -> Manifest {
    Manifest::try_from(value).expect("an object")
}

fn xrd() -> Xrd {
    Xrd::parse(&manifest(json!({
        "apiVersion": "apiextensions.crossplane.io/v1", "kind": "CompositeResourceDefinition",
        "metadata": {"name": "xnets.example.org"},
        "spec": {"group": "example.org", "names": {"kind": "XNet", "plural": "xnets"},
            "claimNames": {"kind": "Net", "plural": "nets"},
            "versions": [{"name": "v1", "served": true, "referenceable": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}]},
    })))
    .expect("a valid XRD")
}

fn claim() -> Manifest {
    manifest(json!({
        "apiVersion": "example.org/v1", "kind": "Net",
        "metadata": {"name": "blue", "namespace": "shop", "uid": "c",
            "labels": {"team": "a", "app.kubernetes.io/name": "x"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "n"}},
        "spec": {"cidr": "10.0.0.0/16", "compositionSelector": {"matchLabels": {"p": "aws"}},
            "writeConnectionSecretToRef": {"name": "conn"}, "compositeDeletePolicy": "Foreground"},
    }))
}

fn named(prefix: &str) -> String {
    format!("{prefix}x7k2p")
}

#[test]
fn a_new_composite_takes_the_users_fields() {
    let synced = sync(&claim(), None, &xrd(), &mut |prefix| named(prefix)).expect("syncs");
    assert!(synced.claim_changed && synced.composite_changed);
    let reference = &synced.claim.value()["spec"]["resourceRef"];
    assert_eq!(
        reference,
        &json!({"apiVersion": "example.org/v1", "kind": "XNet", "name": "blue-x7k2p"})
    );
    let composite = synced.composite.value();
    assert_eq!(
        composite["metadata"],
        json!({
            "name": "blue-x7k2p",
            "labels": {"team": "a", "crossplane.io/claim-name": "blue", "crossplane.io/claim-namespace": "shop"},
            "annotations": {"note": "n"},
        })
    );
    assert_eq!(
        composite["spec"],
        json!({
            "cidr": "10.0.0.0/16",
            "compositionSelector": {"matchLabels": {"p": "aws"}},
            "claimRef": {"apiVersion": "example.org/v1", "kind": "Net", "namespace": "shop", "name": "blue"},
        })
    );
}

#[test]
fn a_second_pass_changes_nothing_and_a_removed_field_goes() {
    let first = sync(&claim(), None, &xrd(), &mut |prefix| named(prefix)).expect("syncs");
    let mut stored = first.composite.clone();
    stored.value_mut()["spec"]["resourceRefs"] = json!([{"apiVersion": "v1", "kind": "A"}]);
    stored.value_mut()["spec"]["compositionRef"] = json!({"name": "net-aws"});
    let mut never = |_: &str| -> String { panic!("a bound claim needs no name") };
    let second = sync(&first.claim, Some(&stored), &xrd(), &mut never).expect("syncs");
    assert!(!second.composite_changed, "what the engine wrote stays");
    assert_eq!(second.claim.value()["spec"]["compositionRef"]["name"], "net-aws");
    let third = sync(&second.claim, Some(&stored), &xrd(), &mut never).expect("syncs");
    assert!(!third.claim_changed && !third.composite_changed);

    let mut without = second.claim;
    without.value_mut()["spec"].as_object_mut().expect("a map").remove("cidr");
    let fourth = sync(&without, Some(&stored), &xrd(), &mut never).expect("syncs");
    assert_eq!(fourth.composite.value()["spec"].get("cidr"), None);
}

#[test]
fn the_users_status_comes_up_and_conditions_stay() {
    let mut claim = claim();
    claim.value_mut()["status"] = json!({"conditions": [{"type": "Ready"}], "old": 1});
    let composite = manifest(json!({
        "apiVersion": "example.org/v1", "kind": "XNet", "metadata": {"name": "blue-x7k2p"},
        "status": {"id": "vpc-1", "conditions": [{"type": "Synced"}]},
    }));
    let expected = json!({"id": "vpc-1", "conditions": [{"type": "Ready"}]});
    assert_eq!(status(&claim, &composite), expected);
}

#[test]
fn a_composite_of_another_claim_is_refused() {
    let mut composite = sync(&claim(), None, &xrd(), &mut |p| named(p)).expect("syncs").composite;
    composite.value_mut()["spec"]["claimRef"]["name"] = "red".into();
    let error = sync(&claim(), Some(&composite), &xrd(), &mut |p| named(p)).expect_err("refused");
    assert!(matches!(error, ClaimError::Bound { .. }));
}
