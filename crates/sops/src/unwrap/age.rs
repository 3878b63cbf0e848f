//! age: X25519 identities. Flux takes no SSH keys from a Secret either.

use age::armor::ArmoredReader;
use age::x25519::Identity;
use age::{DecryptError, Decryptor};

/// What age keys a Secret brought.
#[derive(Default)]
pub(crate) struct AgeIdentities {
    usable: Vec<Identity>,
    /// Kinds of identities that Flux reads and this program cannot use.
    others: Vec<&'static str>,
}

impl AgeIdentities {
    /// Adds the identities of a key file: one a line, and comments.
    pub(crate) fn import(&mut self, text: &str) -> Result<(), String> {
        let fault = |line: usize, why: &str| {
            format!("failed to parse and add to age identities: line {}: {why}", line + 1)
        };
        for (line, text) in text.lines().enumerate() {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if text.starts_with("AGE-PLUGIN-") {
                self.others.push("an identity of an age plugin");
            } else if text.starts_with("AGE-SECRET-KEY-PQ-1") {
                self.others.push("a post-quantum identity (AGE-SECRET-KEY-PQ-1…)");
            } else if text.starts_with("AGE-SECRET-KEY-1") {
                let identity: Result<Identity, _> = text.parse();
                self.usable.push(identity.map_err(|why| fault(line, why))?);
            } else {
                return Err(fault(
                    line,
                    "unknown identity type: a line begins with AGE-SECRET-KEY-1",
                ));
            }
        }
        Ok(())
    }

    /// Are there none at all?
    pub(crate) const fn is_empty(&self) -> bool {
        self.usable.is_empty() && self.others.is_empty()
    }

    /// The data key in an armored file.
    pub(crate) fn unwrap(&self, recipient: &str, armored: &str) -> Result<Vec<u8>, String> {
        if self.is_empty() {
            return Err(
                "failed to load age identities: the decryption Secret holds no *.agekey".to_owned()
            );
        }
        let armored = format!("{}\n", armored.trim());
        let identities = self.usable.iter().map(|identity| identity as &dyn age::Identity);
        let file = Decryptor::new_buffered(ArmoredReader::new(armored.as_bytes()));
        let reader = file.and_then(|file| file.decrypt(identities));
        match reader {
            Ok(reader) => super::read(reader),
            Err(DecryptError::NoMatchingKeys) => Err(self.no_match(recipient)),
            Err(error) => Err(format!(
                "failed to create reader for decrypting sops data key with age: {}",
                message(&error)
            )),
        }
    }

    fn no_match(&self, recipient: &str) -> String {
        let no_match = "no identity matched any of the recipients";
        if recipient.starts_with("age1pq1") {
            return format!("{no_match}: post-quantum recipients (age1pq1…) are not supported");
        }
        match self.others.as_slice() {
            [] => no_match.to_owned(),
            others => format!(
                "{no_match}; the Secret also holds {}, which cannot be used",
                others.join(" and ")
            ),
        }
    }
}

/// The error in age's own words in English; those of the library depend on a locale.
fn message(error: &DecryptError) -> &'static str {
    match error {
        DecryptError::InvalidHeader => "the header is invalid",
        DecryptError::InvalidMac => "bad header MAC",
        DecryptError::UnknownFormat => "the format is unknown",
        DecryptError::Io(_) => "the armor is broken or cut off",
        _ => "the file does not decrypt",
    }
}
