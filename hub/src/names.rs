//! Names with something random in them.

use rand::Rng;

/// Five characters as the API server's own name generator chooses them: no vowels, so that no words come out.
pub(crate) fn suffix(random: &mut impl Rng) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::suffix;

    #[test]
    fn a_suffix_may_stand_in_a_name() {
        let suffix = suffix(&mut rand::rng());
        assert_eq!(suffix.len(), 5);
        assert!(suffix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    }
}
