use std::fmt;
use std::str::FromStr;

/// Group, version and kind of an object; the core group is the empty string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersionKind {
    /// API group.
    pub group: String,
    /// API version within the group.
    pub version: String,
    /// Kind, in CamelCase.
    pub kind: String,
}

impl GroupVersionKind {
    /// From its three parts.
    pub fn new(
        group: impl Into<String>,
        version: impl Into<String>,
        kind: impl Into<String>,
    ) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// From `apiVersion` and `kind` as a manifest writes them.
    pub fn from_api_version(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self::new(group, version, kind)
    }

    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

/// A namespaced object of a known kind, as Flux writes references: `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespacedName {
    /// Empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl NamespacedName {
    /// From its two parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// An object without its version: what an inventory lists and what a plan keys by.
///
/// `Display` is Flux's subject form, `Kind/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// API group; empty in the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// Why an inventory id could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an inventory id: expected `<namespace>_<name>_<group>_<kind>`")]
pub struct ObjectIdError(String);

impl ObjectId {
    /// Flux's inventory id, `<namespace>_<name>_<group>_<kind>`, where a colon in a name is two underscores.
    pub fn inventory_id(&self) -> String {
        let name = self.name.replace(':', "__");
        format!("{}_{name}_{}_{}", self.namespace, self.group, self.kind)
    }

    /// Reads an inventory id.
    pub fn from_inventory_id(text: &str) -> Result<Self, ObjectIdError> {
        let error = || ObjectIdError(text.to_owned());
        let (namespace, rest) = text.split_once('_').ok_or_else(error)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(error)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(error)?;
        if name.is_empty() || kind.is_empty() {
            return Err(error());
        }
        Ok(Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.replace("__", ":"),
        })
    }
}

impl FromStr for ObjectId {
    type Err = ObjectIdError;

    fn from_str(text: &str) -> Result<Self, ObjectIdError> {
        Self::from_inventory_id(text)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectId;

    fn id(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
        ObjectId {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    #[test]
    fn inventory_ids_round_trip() {
        for (object, text) in [
            (id("apps", "Deployment", "shop", "api"), "shop_api_apps_Deployment"),
            (id("", "Namespace", "", "shop"), "_shop__Namespace"),
            (
                id("rbac.authorization.k8s.io", "ClusterRole", "", "system:node"),
                "_system__node_rbac.authorization.k8s.io_ClusterRole",
            ),
        ] {
            assert_eq!(object.inventory_id(), text);
            assert_eq!(text.parse::<ObjectId>().expect("valid"), object);
        }
    }

    #[test]
    fn refuses_what_is_not_an_id() {
        for text in ["", "a", "a_b", "a_b_c", "a__c_d"] {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
        }
    }
}
