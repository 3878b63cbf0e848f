//! A data key from its shares: Shamir's secret sharing over the field of AES, as in HashiCorp Vault.
//!
//! A share is the values of the polynomials at one place, a byte each, and then the place.

/// The secret that the shares are parts of.
///
/// # Errors
/// When there are fewer than two, or they cannot be of one secret.
pub(crate) fn combine(shares: &[Vec<u8>]) -> Result<Vec<u8>, &'static str> {
    let [first, _, ..] = shares else {
        return Err("less than two parts cannot be used to reconstruct the secret");
    };
    if first.len() < 2 {
        return Err("parts must be at least two bytes");
    }
    if shares.iter().any(|share| share.len() != first.len()) {
        return Err("all parts must be the same length");
    }
    let places: Vec<u8> = shares.iter().filter_map(|share| share.last().copied()).collect();
    let is_new = |(at, place): (usize, &u8)| !places[..at].contains(place);
    if !places.iter().enumerate().all(is_new) {
        return Err("duplicate part detected");
    }
    if places.contains(&0) {
        return Err("a part stands where the secret does");
    }
    let weights: Vec<u8> = places.iter().map(|place| weight(*place, &places)).collect();
    let byte = |at: usize| {
        shares.iter().zip(&weights).fold(0, |sum, (share, weight)| sum ^ times(share[at], *weight))
    };
    Ok((0..first.len() - 1).map(byte).collect())
}

/// How much the share at a place counts for the value at zero. The places differ.
fn weight(place: u8, places: &[u8]) -> u8 {
    let others = places.iter().filter(|other| **other != place);
    others.fold(1, |product, other| times(product, times(*other, inverse(*other ^ place))))
}

/// Multiplication modulo x^8 + x^4 + x^3 + x + 1, in the same time for all values.
fn times(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0_u8, |sum, bit| {
        let reduce = (sum >> 7).wrapping_neg() & 0x1b;
        let add = (b >> bit & 1).wrapping_neg() & a;
        add ^ reduce ^ (sum << 1)
    })
}

/// `a` to the power of 254, which is its inverse.
fn inverse(a: u8) -> u8 {
    let square = |a| times(a, a);
    // 254 = 2 + 4 + 8 + 16 + 32 + 64 + 128
    let (mut power, mut product) = (a, 1);
    for _ in 0..7 {
        power = square(power);
        product = times(product, power);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::{combine, inverse, times};

    #[test]
    fn every_number_has_its_inverse() {
        for a in 1..=255 {
            assert_eq!(times(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn shares_give_the_secret() {
        // s + 7x + 9x^2 at three places, for each byte s of the secret.
        let share = |x: u8| {
            let value = |s: &u8| s ^ times(7, x) ^ times(9, times(x, x));
            b"key".iter().map(value).chain([x]).collect::<Vec<u8>>()
        };
        assert_eq!(combine(&[share(1), share(2), share(200)]).as_deref(), Ok(&b"key"[..]));
        assert_ne!(combine(&[share(1), share(2)]).as_deref(), Ok(&b"key"[..]));
    }

    #[test]
    fn what_are_no_shares_of_one_secret_is_refused() {
        for (shares, why) in [
            (vec![], "less than two parts"),
            (vec![vec![1, 2]], "less than two parts"),
            (vec![vec![1], vec![2]], "at least two bytes"),
            (vec![vec![], vec![]], "at least two bytes"),
            (vec![vec![1, 2], vec![1, 2, 3]], "same length"),
            (vec![vec![1, 2], vec![3, 2]], "duplicate part"),
            (vec![vec![1, 0], vec![3, 2]], "where the secret does"),
        ] {
            let refused = combine(&shares).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
