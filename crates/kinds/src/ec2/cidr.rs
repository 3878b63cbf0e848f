//! Address ranges in the one form that AWS stores.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The range with its host bits cleared and the address in its shortest form, as AWS answers it.
/// What is no range is returned as it is: AWS refuses it in its own words.
pub(crate) fn canonical(range: &str) -> String {
    parse(range).unwrap_or_else(|| range.to_owned())
}

fn parse(range: &str) -> Option<String> {
    let (address, length) = range.trim().split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let network = match address.parse().ok()? {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    };
    Some(format!("{network}/{length}"))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn host_bits_are_cleared() {
        assert_eq!(canonical("10.0.3.7/16"), "10.0.0.0/16");
        assert_eq!(canonical("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(canonical("10.1.2.3/32"), "10.1.2.3/32");
        assert_eq!(canonical("2001:DB8:0:0::1/56"), "2001:db8::/56");
    }

    #[test]
    fn what_is_no_range_is_left_alone() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "x/8"] {
            assert_eq!(canonical(text), text);
        }
    }
}
