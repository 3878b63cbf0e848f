use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

/// Digest of a manifest or of a layer: `sha256:<hex>` or `sha512:<hex>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl Digest {
    /// Reads a digest; nothing when it is none that we can check.
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        (hex.len() == length && hex.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// Is it the digest of these bytes?
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        let real = match self.0.split_once(':') {
            Some(("sha512", _)) => format!("sha512:{}", hex::encode(Sha512::digest(bytes))),
            _ => Self::of(bytes).0,
        };
        self.0 == real
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn a_digest_is_checked() {
        let digest = Digest::of(b"x");
        assert_eq!(Digest::parse(digest.as_str()), Some(digest.clone()));
        assert!(digest.is_of(b"x") && !digest.is_of(b"y"));
        for wrong in
            ["", "sha256", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:../x"]
        {
            assert_eq!(Digest::parse(wrong), None);
        }
        let upper = digest.as_str().to_uppercase();
        assert_eq!(Digest::parse(&upper), None);
    }
}
