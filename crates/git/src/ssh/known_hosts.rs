//! Which keys a host may show: the format of OpenSSH's `known_hosts`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use sha1::Sha1;

/// The keys of one host.
#[derive(Debug, Default)]
pub(super) struct HostKeys {
    known: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

impl HostKeys {
    /// The keys that the host may show.
    pub(super) fn known(&self) -> &[PublicKey] {
        &self.known
    }

    /// May the host show this key?
    pub(super) fn allow(&self, key: &PublicKey) -> bool {
        let is_this = |other: &PublicKey| other.key_data() == key.key_data();
        self.known.iter().any(is_this) && !self.revoked.iter().any(is_this)
    }
}

/// The keys that a text knows of a host, which is written `host`, or `[host]:port` when the port is not 22. Lines that
/// cannot be read say nothing.
pub(super) fn keys(text: &str, host: &str) -> HostKeys {
    let mut keys = HostKeys::default();
    for line in text.lines().map(str::trim) {
        let mut words = line.split_ascii_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        let (Some(hosts), Some(_), Some(key)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if hosts.starts_with('#') || !names(hosts, host) {
            continue;
        }
        let Ok(key) = russh::keys::parse_public_key_base64(key) else { continue };
        match marker {
            None => keys.known.push(key),
            Some("@revoked") => keys.revoked.push(key),
            Some(_) => {}
        }
    }
    keys
}

/// Is a host among names, patterns and hashes? `!` in front of one takes it out again.
fn names(list: &str, host: &str) -> bool {
    let mut is_named = false;
    for entry in list.split(',') {
        match entry.strip_prefix('!') {
            Some(not) if is(not, host) => return false,
            Some(_) => {}
            None => is_named |= is(entry, host),
        }
    }
    is_named
}

fn is(entry: &str, host: &str) -> bool {
    match entry.strip_prefix("|1|") {
        Some(hashed) => is_hash(hashed, host).unwrap_or(false),
        None => {
            matches(entry.to_ascii_lowercase().as_bytes(), host.to_ascii_lowercase().as_bytes())
        }
    }
}

/// `<salt>|<HMAC-SHA1 of the host>`, both in Base64.
fn is_hash(hashed: &str, host: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let (salt, hash) = (STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?);
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).ok()?;
    mac.update(host.as_bytes());
    Some(mac.verify_slice(&hash).is_ok())
}

/// `*` stands for any text, `?` for any character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((from, taken)) => {
                    star = Some((from, taken + 1));
                    (at, seen) = (from + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::keys;

    const A: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const B: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJIRBYNbWGuhkfEKRpMlPKoj5xiCFwkS4gUGlkVOR5Ga";

    fn known(text: &str, host: &str) -> usize {
        keys(text, host).known().len()
    }

    #[test]
    fn hosts_are_found_however_they_are_written() {
        // The hash was made by `ssh-keygen -H`.
        let hashed = format!("|1|vApZG0Ybr4rHfTb69+cjjFIGIv0=|M5sSXen14encOvQAy0gseRahnJw= {A}");
        assert_eq!(known(&hashed, "[127.0.0.1]:44167"), 1);
        assert_eq!(known(&hashed, "[127.0.0.1]:44168"), 0);
        let text = format!(
            "# a comment\n\ngithub.com,140.82.121.4 {A} comment\n[host]:2222 {A}\n*.example.com,!bad.example.com {A}\n\
             @cert-authority * {A}\nbroken\nbroken ssh-ed25519 nonsense\ngithub.com {B}\n"
        );
        for (host, found) in [
            ("github.com", 2),
            ("GitHub.com", 2),
            ("140.82.121.4", 1),
            ("[host]:2222", 1),
            ("host", 0),
            ("a.example.com", 1),
            ("bad.example.com", 0),
            ("example.com", 0),
            ("gitlab.com", 0),
            ("broken", 0),
        ] {
            assert_eq!(known(&text, host), found, "{host}");
        }
    }

    #[test]
    fn only_known_keys_are_allowed() {
        let key = |line: &str| {
            russh::keys::parse_public_key_base64(line.split(' ').nth(1).expect("a key"))
                .expect("a key")
        };
        let text = format!("host {A}\n@revoked host {B}\nhost {B}\n");
        let keys = keys(&text, "host");
        assert!(keys.allow(&key(A)));
        assert!(!keys.allow(&key(B)));
    }
}
