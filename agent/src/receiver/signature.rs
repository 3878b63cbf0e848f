use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// Does a header `X-Signature: <algorithm>=<hex>` sign the body with the token? Compared in constant time.
pub(super) fn is_valid(header: &str, token: &str, body: &[u8]) -> bool {
    let Some((algorithm, signature)) = header.split_once('=') else { return false };
    let Ok(signature) = hex::decode(signature) else { return false };
    match algorithm {
        "sha256" => verify::<Hmac<Sha256>>(token, body, &signature),
        "sha384" => verify::<Hmac<Sha384>>(token, body, &signature),
        "sha512" => verify::<Hmac<Sha512>>(token, body, &signature),
        _ => false,
    }
}

fn verify<M: Mac + KeyInit>(token: &str, body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(token.as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_valid;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    #[test]
    fn only_the_right_token_signs() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"token").expect("any length");
        mac.update(b"body");
        let header = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        assert!(is_valid(&header, "token", b"body"));
        assert!(!is_valid(&header, "other", b"body"));
        assert!(!is_valid(&header, "token", b"changed"));
        for header in ["", "sha256", "sha256=zz", "md5=00"] {
            assert!(!is_valid(header, "token", b"body"), "{header}");
        }
    }
}
