//! Signatures of commits and tags.

mod payload;
mod pgp;
mod ssh;

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::Fetched;
use payload::Signed;

/// What has to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verify {
    /// The commit.
    pub head: bool,
    /// The tag that led to it.
    pub tag: bool,
}

/// Public keys of trusted authors, under their names in a Secret: SSH keys, one a line, under names that end with `.sshpub`,
/// armored OpenPGP keys under all others.
pub type TrustedKeys = BTreeMap<String, String>;

/// Why a revision is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A tag has to be signed, and none is asked for.
    #[error("cannot verify tag object's signature if a tag reference is not specified")]
    NoTag,
    /// The tag has no signature.
    #[error("cannot verify signature of tag '{0}' since it is not signed")]
    Unsigned(String),
    /// The tag's signature is not one of the keys.
    #[error("signature verification of tag '{tag}' failed: {cause}")]
    Tag {
        /// The tag, and its id.
        tag: String,
        /// What is wrong.
        cause: String,
    },
    /// The commit's signature is not one of the keys.
    #[error("signature verification of commit '{commit}' failed: {cause}")]
    Commit {
        /// Its id.
        commit: String,
        /// What is wrong.
        cause: String,
    },
}

impl VerifyError {
    /// Flux's reason.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoTag => "InvalidVerificationMode",
            Self::Unsigned(_) => "InvalidGitObject",
            Self::Tag { .. } => "InvalidTagSignature",
            Self::Commit { .. } => "InvalidCommitSignature",
        }
    }
}

/// Verifies a revision; says which key signed what.
///
/// # Errors
/// When a signature is missing or not one of the keys.
pub fn verify(
    fetched: &Fetched,
    wanted: Verify,
    keys: &TrustedKeys,
    now: SystemTime,
) -> Result<String, VerifyError> {
    let mut verified = Vec::new();
    if wanted.tag {
        let tag = fetched.tag.as_ref().ok_or(VerifyError::NoTag)?;
        let called = match &tag.object {
            Some((id, _)) => format!("{}@{id}", tag.name),
            None => tag.name.clone(),
        };
        let signed = tag.object.as_ref().map(|(_, content)| payload::of_tag(content));
        let Some(signed) = signed.filter(|signed| !signed.signature.is_empty()) else {
            return Err(VerifyError::Unsigned(called));
        };
        let key = signed_by(&signed, "tag", keys, now)
            .map_err(|cause| VerifyError::Tag { tag: called.clone(), cause })?;
        verified.push(format!("tag '{called}' with key '{key}'"));
    }
    if wanted.head {
        let commit = &fetched.commit;
        let key = signed_by(&payload::of_commit(&commit.content), "commit", keys, now)
            .map_err(|cause| VerifyError::Commit { commit: commit.id.clone(), cause })?;
        verified.push(format!("commit '{}' with key '{key}'", commit.id));
    }
    Ok(format!("verified signature of\n\t- {}", verified.join("\n\t- ")))
}

/// The key that signed something.
fn signed_by(
    signed: &Signed,
    what: &str,
    keys: &TrustedKeys,
    now: SystemTime,
) -> Result<String, String> {
    let of_kind = |is_ssh: bool| {
        keys.iter()
            .filter(move |(name, _)| name.ends_with(".sshpub") == is_ssh)
            .map(|(_, key)| key.as_str())
    };
    if signed.signature.starts_with(ssh::BEGIN) {
        let signer = ssh::signer(signed, of_kind(true));
        return signer
            .map_err(|cause| format!("unable to verify Git {what} SSH signature: {cause}"));
    }
    let signer = pgp::signer(signed, of_kind(false), now);
    signer.map_err(|cause| format!("unable to verify Git {what}: {cause}"))
}

#[cfg(test)]
mod tests;
