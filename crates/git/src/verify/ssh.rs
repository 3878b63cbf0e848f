//! SSH signatures, as `ssh-keygen -Y sign -n git` makes them.

use ssh_key::{HashAlg, PublicKey, SshSig};

use super::payload::Signed;

/// How a signature begins.
pub(super) const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
/// What git signs for.
const NAMESPACE: &str = "git";

/// The fingerprint of the key, among some texts of one a line, that signed something.
pub(super) fn signer<'a>(
    signed: &Signed,
    keys: impl Iterator<Item = &'a str>,
) -> Result<String, String> {
    let signature = SshSig::from_pem(format!("{}\n", signed.signature));
    let signature =
        signature.map_err(|cause| format!("unable to unarmor SSH signature: {cause}"))?;
    let (mut broken, mut tried) = (None, false);
    for text in keys {
        let lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let parsed: Result<Vec<PublicKey>, _> = lines.map(parse).collect();
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(cause) => {
                broken.get_or_insert(format!("unable to parse authorized keys: {cause}"));
                continue;
            }
        };
        tried = true;
        let is_signer =
            |key: &&PublicKey| key.verify(NAMESPACE, &signed.payload, &signature).is_ok();
        if let Some(key) = parsed.iter().find(is_signer) {
            return Ok(key.fingerprint(HashAlg::Sha256).to_string());
        }
    }
    let none = "unable to verify payload with any of the given authorized keys: no matching key";
    Err(broken.filter(|_| !tried).unwrap_or_else(|| none.to_owned()))
}

/// A key, with or without options in front of it, as `authorized_keys` has it.
fn parse(line: &str) -> Result<PublicKey, String> {
    let whole = PublicKey::from_openssh(line);
    let without_options = || {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let at = words.iter().position(|word| word.starts_with("AAAA"))?;
        let kind = words.get(at.checked_sub(1)?)?;
        PublicKey::from_openssh(&format!("{kind} {}", words[at])).ok()
    };
    whole.or_else(|cause| without_options().ok_or(cause)).map_err(|cause| cause.to_string())
}
