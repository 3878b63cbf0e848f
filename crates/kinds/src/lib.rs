//! The managed resources, one folder a kind, and the CRDs that serve them.
//!
//! A kind is its types, a comparison, and four calls. What makes it live is `capstan-provision`.

mod aws;
mod crd;
pub mod dynamodb;
pub mod ec2;
pub mod eks;
pub mod iam;
pub mod kubernetes;
mod provider_config;
pub mod refs;

use std::sync::Arc;

use capstan_provision::{DynKind, Kind};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// A kind and its CRD.
struct Entry {
    kind: Arc<dyn DynKind>,
    crd: CustomResourceDefinition,
}

fn aws<K: Kind>(kind: K, short_names: &'static [&'static str]) -> Entry {
    Entry { kind: Arc::new(kind), crd: crd::managed::<K>(short_names) }
}

fn entries() -> Vec<Entry> {
    vec![
        aws(ec2::Vpc, &[]),
        aws(ec2::Subnet, &[]),
        aws(ec2::InternetGateway, &[]),
        aws(ec2::Address, &[]),
        aws(ec2::NatGateway, &[]),
        aws(ec2::RouteTable, &[]),
        aws(eks::Cluster, &[]),
        aws(eks::NodeGroup, &[]),
        aws(iam::Role, &["iamrole"]),
        aws(iam::Policy, &[]),
        aws(iam::RolePolicyAttachment, &[]),
        aws(iam::OpenIdConnectProvider, &["oidcprovider"]),
        aws(dynamodb::Table, &[]),
        Entry { kind: Arc::new(kubernetes::Object::default()), crd: kubernetes::object_crd() },
    ]
}

/// Every kind, for `capstan_provision::run`.
pub fn all() -> Vec<Arc<dyn DynKind>> {
    entries().into_iter().map(|entry| entry.kind).collect()
}

/// Every CRD: the kinds' and the ProviderConfigs', in the order of their names.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds: Vec<_> = entries().into_iter().map(|entry| entry.crd).collect();
    crds.push(provider_config::aws());
    crds.push(kubernetes::provider_config_crd());
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_crd_is_named_once_and_structural() {
        let crds = super::crds();
        let names: BTreeSet<_> = crds.iter().filter_map(|crd| crd.metadata.name.clone()).collect();
        assert_eq!(names.len(), crds.len());
        assert_eq!(crds.len(), super::all().len() + 2);
        for crd in &crds {
            for version in &crd.spec.versions {
                let schema = version.schema.as_ref().and_then(|s| s.open_api_v3_schema.as_ref());
                let text = serde_json::to_string(&schema).expect("serialises");
                assert!(!text.contains("\"$ref\""), "{:?} has a reference", crd.metadata.name);
            }
        }
    }
}
