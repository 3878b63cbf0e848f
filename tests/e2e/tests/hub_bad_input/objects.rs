//! The objects of the cases, small.

use capstan_e2e::network::REGION;
use capstan_model::GroupVersionKind;
use serde_json::{Value, json};

/// A trust policy that AWS accepts.
pub(crate) const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

const PERMISSIONS: &str = r#"{"Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}"#;

pub(crate) fn managed(gvk: &GroupVersionKind, name: &str, for_provider: &Value) -> Value {
    json!({"apiVersion": gvk.api_version(), "kind": gvk.kind, "metadata": {"name": name},
        "spec": {"forProvider": for_provider}})
}

pub(crate) fn vpc(name: &str, cidr: &str) -> Value {
    let spec = json!({"region": REGION, "cidrBlock": cidr});
    managed(&capstan_e2e::network::vpc(), name, &spec)
}

/// A subnet of a VPC that it names.
pub(crate) fn subnet(name: &str, vpc: &str, cidr: &str) -> Value {
    let spec = json!({"region": REGION, "cidrBlock": cidr, "vpcIdRef": {"name": vpc}});
    managed(&capstan_e2e::network::subnet(), name, &spec)
}

pub(crate) fn role(name: &str) -> Value {
    let spec = json!({"assumeRolePolicyDocument": TRUST});
    managed(&capstan_e2e::network::role(), name, &spec)
}

pub(crate) fn policy(name: &str) -> Value {
    let spec = json!({"name": name, "document": PERMISSIONS});
    managed(&capstan_e2e::network::policy(), name, &spec)
}

pub(crate) fn table(name: &str) -> Value {
    let spec = json!({"region": REGION, "billingMode": "PAY_PER_REQUEST",
        "attributeDefinitions": [{"attributeName": "id", "attributeType": "S"}],
        "keySchema": [{"attributeName": "id", "keyType": "HASH"}]});
    managed(&capstan_e2e::network::table(), name, &spec)
}

/// The same object with other parts in it.
pub(crate) fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    if object.pointer(parent).is_none() {
        object = with(object, parent, json!({}));
    }
    object.pointer_mut(parent).expect("it was made above")[key] = value;
    object
}
