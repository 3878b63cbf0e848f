use capstan_cloud::CloudError;
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::Value;

use crate::graph::Siblings;
use crate::managed::Managed;
use crate::secret::fault;

/// Everything that the composite of an object is made of: its `spec.resourceRefs`, which name each child before it exists.
pub(crate) async fn siblings(cluster: &Cluster, object: &Manifest) -> Result<Siblings, CloudError> {
    let Some(composite) = composite(cluster, object).await? else { return Ok(Siblings::None) };
    Ok(read(composite.value()))
}

/// Is the composite of an object going, or gone? False for an object that belongs to none.
pub(crate) async fn is_leaving(cluster: &Cluster, object: &Manifest) -> Result<bool, CloudError> {
    if Managed(object).controller().is_none() {
        return Ok(false);
    }
    Ok(composite(cluster, object).await?.is_none_or(|composite| composite.is_deleting()))
}

/// The controlling owner of an object, while it exists.
pub(crate) async fn composite(
    cluster: &Cluster,
    object: &Manifest,
) -> Result<Option<Manifest>, CloudError> {
    let Some(owner) = Managed(object).controller() else { return Ok(None) };
    let gvk = GroupVersionKind::from_api_version(owner.api_version, owner.kind);
    match cluster.get(&gvk, object.namespace(), owner.name).await {
        Ok(found) => Ok(found.filter(|found| found.uid() == owner.uid)),
        Err(ClusterError::NoSuchKind(_)) => Ok(None),
        Err(error) => Err(fault(&error)),
    }
}

fn read(composite: &Value) -> Siblings {
    let list = ["/spec/resourceRefs", "/spec/crossplane/resourceRefs"]
        .into_iter()
        .find_map(|pointer| composite.pointer(pointer)?.as_array());
    let Some(list) = list else { return Siblings::None };
    let each = list.iter().map(|reference| {
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let gvk = GroupVersionKind::from_api_version(text("apiVersion"), text("kind"));
        (gvk.group, gvk.kind, text("name").to_owned())
    });
    Siblings::Known(each.collect())
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::graph::Siblings;
    use serde_json::json;

    #[test]
    fn a_composite_names_its_children() {
        let refs =
            json!([{"apiVersion": "ec2.aws.crossplane.io/v1beta1", "kind": "VPC", "name": "v"}]);
        let known =
            Siblings::Known(vec![("ec2.aws.crossplane.io".into(), "VPC".into(), "v".into())]);
        assert_eq!(read(&json!({"spec": {"resourceRefs": refs}})), known);
        assert_eq!(read(&json!({"spec": {"crossplane": {"resourceRefs": refs}}})), known);
        assert_eq!(read(&json!({"spec": {}})), Siblings::None);
    }
}
