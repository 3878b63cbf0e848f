//! The data key of a file: from its master keys, one for each group.

use capstan_model::Retry;

use crate::cipher::base64;
use crate::decryptor::Decryptor;
use crate::error::SopsError;
use crate::metadata::{MasterKey, MasterKind, Metadata};
use crate::shamir;

/// Why one key did not help.
struct Fault {
    why: String,
    retry: Retry,
    hint: Option<&'static str>,
}

impl Fault {
    const fn new(why: String) -> Self {
        Self { why, retry: Retry::AfterChange, hint: None }
    }
}

/// What is told about keys that failed.
#[derive(Default)]
struct Told {
    groups: Vec<String>,
    hints: Vec<String>,
    is_transient: bool,
}

/// Asks the groups for their parts, and puts them together.
///
/// # Errors
/// When too few groups have a key that works; it tells what each failed with.
pub(crate) fn recover(metadata: &Metadata, with: &Decryptor<'_>) -> Result<Vec<u8>, SopsError> {
    let (mut parts, mut told) = (Vec::new(), Told::default());
    for (number, group) in metadata.groups.iter().enumerate() {
        match part(group, with, &mut told) {
            Ok(part) => {
                parts.push(part);
                told.groups.push(format!("Group {number}: SUCCESS"));
            }
            Err(why) => told.groups.push(format!("Group {number}: FAILED: {why}")),
        }
    }
    // The least that Shamir's scheme knows is two.
    let threshold = if metadata.groups.len() > 1 { metadata.threshold.max(2) } else { 0 };
    match (metadata.groups.len(), parts.len()) {
        (1, 1) => Ok(parts.swap_remove(0)),
        (2.., found) if found >= threshold => shamir::combine(&parts).map_err(|why| {
            let why = format!("could not get data key from shamir parts: {why}");
            SopsError::DataKey { why, retry: Retry::AfterChange, hints: Vec::new() }
        }),
        (_, found) => Err(told.into_error(threshold, found)),
    }
}

impl Told {
    fn into_error(mut self, threshold: usize, found: usize) -> SopsError {
        let trailer = match threshold {
            0 => "no master key was able to decrypt the file".to_owned(),
            _ => format!(
                "the file was encrypted with a Shamir threshold of {threshold}, but only {found} part(s) were recovered"
            ),
        };
        let why = format!(
            "Failed to get the data key required to decrypt the SOPS file: {}; {trailer}",
            self.groups.join("; ")
        );
        let retry = if self.is_transient { Retry::Transient } else { Retry::AfterChange };
        self.hints.push(
            "put a private key of one of these recipients into the Secret of spec.decryption.secretRef, or add yours to \
             the file with `sops updatekeys`"
                .to_owned(),
        );
        SopsError::DataKey { why, retry, hints: self.hints }
    }
}

fn part(group: &[MasterKey], with: &Decryptor<'_>, told: &mut Told) -> Result<Vec<u8>, String> {
    let mut keys: Vec<_> = group.iter().collect();
    keys.sort_by_key(|key| key.kind.rank());
    let mut faults = Vec::new();
    for key in keys {
        match unwrap(key, with) {
            Ok(part) => return Ok(part),
            Err(Fault { why, retry, hint }) => {
                faults.push(format!("{}: {why}", key.kind.name()));
                told.is_transient |= retry == Retry::Transient;
                let hint = hint.map(str::to_owned).filter(|hint| !told.hints.contains(hint));
                told.hints.extend(hint);
            }
        }
    }
    Err(if faults.is_empty() { "it has no keys".to_owned() } else { faults.join(", ") })
}

fn unwrap(key: &MasterKey, with: &Decryptor<'_>) -> Result<Vec<u8>, Fault> {
    match &key.kind {
        MasterKind::Age(recipient) => {
            with.keys.age.unwrap(recipient, &key.encrypted).map_err(Fault::new)
        }
        MasterKind::Pgp(_) => with.keys.pgp.unwrap(&key.encrypted).map_err(|why| {
            let names = with.keys.pgp.names();
            Fault::new(if names.is_empty() {
                why
            } else {
                format!("{why} (it has {})", names.join(" and "))
            })
        }),
        MasterKind::AwsKms(kms) => {
            let encrypted = base64(&key.encrypted)
                .ok_or_else(|| Fault::new("error base64-decoding encrypted data key".to_owned()))?;
            let answer = with.service.aws_kms(kms, with.keys.aws.as_ref(), &encrypted);
            let plain = answer.map_err(|error| Fault {
                why: format!("failed to decrypt sops data key with AWS KMS: {error}"),
                retry: error.retry,
                hint: None,
            })?;
            Ok(plain.expose().clone())
        }
        MasterKind::Foreign(what, _) => Err(Fault {
            why: format!("{what} is not supported{}", unused(&with.keys.foreign)),
            retry: Retry::AfterChange,
            hint: Some(
                "of the services that hold keys, only AWS KMS is supported: add an age, PGP or AWS KMS key to .sops.yaml and run `sops updatekeys`",
            ),
        }),
    }
}

fn unused(entries: &[&str]) -> String {
    match entries {
        [] => String::new(),
        entries => format!(" (`{}` of the Secret is not used)", entries.join("`, `")),
    }
}
