use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsigned {
    #[error("missing signature")]
    Missing,
    #[error("error parsing signature: write it as <algorithm>=<hex>")]
    Unreadable,
    #[error("unknown hash type prefix: use sha1, sha256 or sha512")]
    Algorithm,
    #[error("payload signature check failed")]
    Wrong,
}

/// Does a header `<algorithm>=<hex>` sign the body with the token?
pub(crate) fn check(header: &str, token: &[u8], body: &[u8]) -> Result<(), Unsigned> {
    if header.is_empty() {
        return Err(Unsigned::Missing);
    }
    let (algorithm, signature) = header.split_once('=').ok_or(Unsigned::Unreadable)?;
    let signature = hex::decode(signature).map_err(|_| Unsigned::Unreadable)?;
    let is_right = match algorithm {
        "sha1" => verify::<Hmac<Sha1>>(token, body, &signature),
        "sha256" => verify::<Hmac<Sha256>>(token, body, &signature),
        "sha512" => verify::<Hmac<Sha512>>(token, body, &signature),
        _ => return Err(Unsigned::Algorithm),
    };
    if is_right { Ok(()) } else { Err(Unsigned::Wrong) }
}

/// Nexus signs with SHA-1 and says no algorithm.
pub(crate) fn check_bare(header: &str, token: &[u8], body: &[u8]) -> bool {
    hex::decode(header).is_ok_and(|signature| verify::<Hmac<Sha1>>(token, body, &signature))
}

fn verify<M: Mac + KeyInit>(token: &[u8], body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(token) else { return false };
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

/// Is a path the one that a Receiver listens at? It holds a digest of the token, so it is compared like a token.
pub fn is_same_path(given: &str, own: &str) -> bool {
    is_equal(given.as_bytes(), own.as_bytes())
}

/// Are two texts the same? How long it takes says nothing of where they differ: their digests are compared.
pub(crate) fn is_equal(given: &[u8], wanted: &[u8]) -> bool {
    let digest = |text: &[u8]| {
        <Hmac<Sha256> as KeyInit>::new_from_slice(wanted).map(|mut mac| {
            mac.update(text);
            mac
        })
    };
    match (digest(given), digest(wanted)) {
        (Ok(given), Ok(wanted)) => given.verify(&wanted.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Unsigned, check, check_bare, is_equal};

    // HMACs of the text `body` with the key `token`, by OpenSSL.
    const SHA1: &str = "cc458c69d3c8f2a7dc68b3abf500c122b3b7454d";
    const SHA256: &str = "4d7872738ac3b68c82e09ccb63975592ac3278d7e2ff228ce76d8028de911b5c";
    const SHA512: &str = "ed07f0c8f6ab6ca3b876c0381aa0683a09900228dcfc363be116a9cc3b4d10a1\
                          95f6244c838f28b118550442e1a1c8526cad2f5de0541fa198fce2f4f7b16eaa";

    #[test]
    fn each_algorithm_signs() {
        for (algorithm, digest) in [("sha1", SHA1), ("sha256", SHA256), ("sha512", SHA512)] {
            let header = format!("{algorithm}={digest}");
            assert_eq!(check(&header, b"token", b"body"), Ok(()), "{algorithm}");
            assert_eq!(check(&header, b"other", b"body"), Err(Unsigned::Wrong), "{algorithm}");
            assert_eq!(check(&header, b"token", b"other"), Err(Unsigned::Wrong), "{algorithm}");
        }
        assert!(check_bare(SHA1, b"token", b"body"));
    }

    #[test]
    fn texts_are_equal_or_not() {
        assert!(is_equal(b"token", b"token"));
        assert!(is_equal(b"", b""));
        for other in ["", "toke", "token ", "Token"] {
            assert!(!is_equal(other.as_bytes(), b"token"), "{other}");
        }
    }

    #[test]
    fn what_is_no_signature_is_named() {
        for (header, why) in [
            ("", Unsigned::Missing),
            ("sha256", Unsigned::Unreadable),
            ("sha256=zz", Unsigned::Unreadable),
            ("sha384=00", Unsigned::Algorithm),
            ("md5=00", Unsigned::Algorithm),
            ("sha256=00", Unsigned::Wrong),
            ("sha1=", Unsigned::Wrong),
        ] {
            assert_eq!(check(header, b"token", b"body"), Err(why), "{header}");
        }
        assert!(!check_bare("", b"token", b"body"));
        assert!(!check_bare(SHA1, b"token", b"other"));
    }
}
