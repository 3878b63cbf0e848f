/// Regions as of 2026. An unknown one is still tried, since new ones open; it only adds a hint to an error.
const KNOWN: [&str; 39] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Is it a region that this version knows?
pub(crate) fn is_known(region: &str) -> bool {
    KNOWN.contains(&region)
}

/// Could it be a region at all? It becomes part of a host name.
pub(crate) fn is_well_formed(region: &str) -> bool {
    let parts: Vec<_> = region.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(word)
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    }
}

/// The host suffix of the partition that a region belongs to.
pub(crate) fn dns_suffix(region: &str) -> &'static str {
    let mut parts = region.split('-');
    match (parts.next(), parts.next()) {
        (Some("cn"), _) => "amazonaws.com.cn",
        (Some("eusc"), _) => "amazonaws.eu",
        (_, Some("iso")) => "c2s.ic.gov",
        (_, Some("isob")) => "sc2s.sgov.gov",
        (_, Some("isoe")) => "cloud.adc-e.uk",
        (_, Some("isof")) => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

/// The partition that a region belongs to, as ARNs name it.
pub(crate) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, dns_suffix, is_well_formed, partition};

    #[test]
    fn knows_the_form_of_a_region() {
        assert!(KNOWN.iter().all(|region| is_well_formed(region)));
        for region in ["", "eu", "eu-1", "eu-west", "eu-west-1.evil.example", "EU-west-1", "eu--1"]
        {
            assert!(!is_well_formed(region), "{region}");
        }
    }

    #[test]
    fn partitions_have_their_own_names() {
        assert_eq!(
            (partition("cn-north-1"), dns_suffix("cn-north-1")),
            ("aws-cn", "amazonaws.com.cn")
        );
        assert_eq!((partition("eu-west-1"), dns_suffix("eu-west-1")), ("aws", "amazonaws.com"));
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
    }
}
