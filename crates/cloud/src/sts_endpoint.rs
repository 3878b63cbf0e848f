//! Endpoints of STS that users write.

/// What they must be, as Flux says it.
const PATTERN: &str = r"^https://(.+\.)?sts(-fips)?(\.[^.]+)?(\.vpce)?\.amazonaws\.com$";

/// Checks an endpoint that tokens are to be sent to.
///
/// Stricter than Flux, whose pattern lets another host stand before the name of STS.
///
/// # Errors
/// When it is none, in Flux's words.
pub fn check_sts_endpoint(endpoint: &str) -> Result<(), String> {
    if is_one(endpoint).unwrap_or_default() {
        return Ok(());
    }
    Err(format!("invalid STS endpoint: '{endpoint}'. must match {PATTERN}"))
}

fn is_one(endpoint: &str) -> Option<bool> {
    let host = endpoint.strip_prefix("https://")?.strip_suffix(".amazonaws.com")?;
    let mut labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !labels.iter().all(is_label) {
        return None;
    }
    if labels.last() == Some(&"vpce") {
        labels.pop();
    }
    let is_sts = |label: &&str| matches!(*label, "sts" | "sts-fips");
    // A region may follow the name.
    Some(labels.iter().rev().take(2).any(is_sts))
}

#[cfg(test)]
mod tests {
    use super::check_sts_endpoint;

    #[test]
    fn only_hosts_of_sts_are_sent_tokens() {
        for endpoint in [
            "https://sts.amazonaws.com",
            "https://sts.eu-west-1.amazonaws.com",
            "https://sts-fips.us-east-1.amazonaws.com",
            "https://vpce-002b7cc8966426bc6-njisq19r.sts.us-east-1.vpce.amazonaws.com",
            "https://vpce-002b7cc8966426bc6-njisq19r-us-east-1a.sts.us-east-1.vpce.amazonaws.com",
        ] {
            assert_eq!(check_sts_endpoint(endpoint), Ok(()), "{endpoint}");
        }
        for endpoint in [
            "",
            "http://sts.amazonaws.com",
            "https://sts.amazonaws.com/",
            "https://sts.amazonaws.com.evil.example",
            "https://evil.example/x.sts.amazonaws.com",
            "https://evil.example#.sts.amazonaws.com",
            "https://user@sts.amazonaws.com",
            "https://s3.eu-west-1.amazonaws.com",
            "https://sts.eu.west.amazonaws.com",
        ] {
            let said = check_sts_endpoint(endpoint).expect_err(endpoint);
            assert!(said.contains("must match ^https://(.+"), "{said}");
        }
    }
}
