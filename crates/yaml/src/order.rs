use std::cmp::Ordering;

/// The order in which kustomize prints keys: digits count as numbers, letters come last.
///
/// `_x`, `1`, `9`, `10`, `A`, `a`, `a-b`, `a1`, `a2`, `a10`.
pub(crate) fn natural(left: &str, right: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(a, b)| a != b) else {
        return left.len().cmp(&right.len());
    };
    let (a, b) = (left[at], right[at]);
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(&b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero inside a number must not make that number shorter than it is.
    let inside = (a == '0' || b == '0')
        && left[..at].iter().rev().take_while(|c| c.is_numeric()).any(|c| *c != '0');
    let (a_value, a_len) = number(&left[at..], inside);
    let (b_value, b_len) = number(&right[at..], inside);
    a_value.cmp(&b_value).then(a_len.cmp(&b_len)).then(a.cmp(&b))
}

/// Numbers that are too large wrap around, as in kustomize.
fn number(text: &[char], inside: bool) -> (i64, usize) {
    let digits = text.iter().map_while(|c| c.to_digit(10));
    let fold = |(value, length): (i64, usize), digit: u32| {
        (value.wrapping_mul(10).wrapping_add(i64::from(digit)), length + 1)
    };
    digits.fold((i64::from(inside), 0), fold)
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn keys_in_natural_order() {
        let sorted = ["_x", "1", "9", "10", "A", "B", "a", "a-b", "a1", "a2", "a10"];
        let mut keys = sorted;
        keys.reverse();
        keys.sort_by(|a, b| natural(a, b));
        assert_eq!(keys, sorted);
    }
}
