use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Digest, OciError};

/// Media types of manifests that we can read.
pub(crate) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// The manifest of an artifact, or an index of manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manifest {
    /// Notes such as `org.opencontainers.image.revision`.
    pub annotations: BTreeMap<String, String>,
    /// Its layers, in order.
    pub layers: Vec<Descriptor>,
    /// The manifests of an index.
    pub manifests: Vec<Descriptor>,
}

/// What a manifest says of a layer or of another manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Kind of artifact that a manifest of an index holds.
    pub artifact_type: String,
    /// Digest, not checked yet.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// Notes.
    pub annotations: BTreeMap<String, String>,
    /// What a manifest of an index is for.
    pub platform: Option<Platform>,
}

/// What an image runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub architecture: String,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`OciError::Layer`] when it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, OciError> {
        let failed = |error| OciError::Layer(format!("failed to parse artifact manifest: {error}"));
        // A list could be taken for the fields of a manifest.
        let object: serde_json::Map<_, _> = serde_json::from_slice(bytes).map_err(failed)?;
        serde_json::from_value(object.into()).map_err(failed)
    }

    /// The layer of a media type, or the first.
    ///
    /// # Errors
    /// [`OciError::Layer`] when there is none.
    pub fn layer(&self, media_type: Option<&str>) -> Result<&Descriptor, OciError> {
        if self.layers.is_empty() {
            return Err(OciError::Layer("no layers found in artifact".to_owned()));
        }
        let Some(wanted) = media_type.filter(|text| !text.is_empty()) else {
            return Ok(&self.layers[0]);
        };
        self.layers.iter().find(|layer| layer.media_type == wanted).ok_or_else(|| {
            let there: Vec<_> = self.layers.iter().map(|layer| &*layer.media_type).collect();
            OciError::Layer(format!(
                "failed to find layer with media type '{wanted}' in artifact; it has {}",
                there.join(", ")
            ))
        })
    }

    /// The manifest of an index that is for us: go-containerregistry takes that of linux/amd64.
    pub(crate) fn child(&self) -> Result<Digest, OciError> {
        let is_ours = |entry: &&Descriptor| {
            entry.platform.as_ref().is_none_or(|p| p.os == "linux" && p.architecture == "amd64")
        };
        let found = self.manifests.iter().find(is_ours);
        let digest = found.and_then(|entry| Digest::parse(&entry.digest));
        digest.ok_or_else(|| {
            OciError::Layer("the index has no manifest for the platform linux/amd64".to_owned())
        })
    }

    pub(crate) fn is_index(&self) -> bool {
        self.layers.is_empty() && !self.manifests.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    fn manifest() -> Manifest {
        let text = r#"{"schemaVersion": 2, "layers": [{"mediaType": "a", "digest": "sha256:1", "size": 1},
            {"mediaType": "b", "digest": "sha256:2", "size": 2}], "annotations": {"k": "v"}}"#;
        Manifest::parse(text.as_bytes()).expect("a manifest")
    }

    #[test]
    fn the_first_layer_of_its_type_is_taken() {
        let digest = |wanted| manifest().layer(wanted).map(|layer| layer.digest.clone());
        assert_eq!(digest(None).expect("first"), "sha256:1");
        assert_eq!(digest(Some("b")).expect("second"), "sha256:2");
        let says = digest(Some("c")).expect_err("none").to_string();
        assert!(says.contains("'c'") && says.contains("a, b"), "{says}");
        let empty = Manifest::default().layer(None).expect_err("none").to_string();
        assert_eq!(empty, "no layers found in artifact");
    }

    #[test]
    fn the_manifest_for_our_platform_is_taken_out_of_an_index() {
        let entry = |digit: char, architecture: &str| {
            let digest = digit.to_string().repeat(64);
            format!(
                r#"{{"digest": "sha256:{digest}", "platform": {{"os": "linux", "architecture": "{architecture}"}}}}"#
            )
        };
        let (arm, amd) = (entry('1', "arm64"), entry('2', "amd64"));
        let index =
            |list: &str| Manifest::parse(format!(r#"{{"manifests": [{list}]}}"#).as_bytes());
        let both = index(&format!("{arm},{amd}")).expect("an index");
        assert!(both.is_index());
        assert!(both.child().expect("a child").as_str().starts_with("sha256:2"));
        assert!(index(&arm).expect("an index").child().is_err());
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in ["", "[]", "<html>", r#"{"layers": 1}"#] {
            assert!(Manifest::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
