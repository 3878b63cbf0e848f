use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The objects of a bucket: key to ETag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index(pub BTreeMap<String, String>);

impl Index {
    /// The revision, as Flux has it: the digest of a line `<key> <etag>` for each object, sorted by key.
    pub fn revision(&self) -> String {
        let mut lines = String::new();
        for (key, etag) in &self.0 {
            // Writing to a text cannot fail.
            let _ = writeln!(lines, "{key} {etag}");
        }
        format!("sha256:{}", hex::encode(Sha256::digest(lines)))
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    /// The digests were made with `printf '…' | sha256sum`.
    #[test]
    fn the_revision_is_that_of_flux() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Index::default().revision(), empty);
        let index = [("b/x.yaml", "2"), ("a.yaml", "1")];
        let index = Index(index.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        assert_eq!(
            index.revision(),
            "sha256:096eb97fcdd40681d86f9fc55a8bf16749193a334cbd788c40cfd0aa18e86359"
        );
    }
}
