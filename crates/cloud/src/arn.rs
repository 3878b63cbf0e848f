//! Amazon Resource Names that users write.

/// What a role's ARN must be, as Flux says it.
pub const ROLE_ARN: &str = r"^arn:aws[\w-]*:iam::[0-9]{1,30}:role/.{1,200}$";
/// What a cluster's ARN must be, as Flux says it.
pub const EKS_CLUSTER_ARN: &str =
    r"^arn:aws[\w-]*:eks:([^:]{1,100}):[0-9]{1,30}:cluster/(.{1,200})$";

struct Arn<'a> {
    service: &'a str,
    region: &'a str,
    resource: &'a str,
}

fn parse(text: &str) -> Option<Arn<'_>> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition) = (parts.next()?, parts.next()?);
    let (service, region, account, resource) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest = partition.strip_prefix("aws")?;
    let is_partition = rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let is_account =
        (1..=30).contains(&account.len()) && account.bytes().all(|b| b.is_ascii_digit());
    let is_one_line = !text.contains(['\n', '\r']);
    (arn == "arn" && is_partition && is_account && is_one_line).then_some(Arn {
        service,
        region,
        resource,
    })
}

/// The name that follows a prefix of a resource.
fn named<'a>(resource: &'a str, prefix: &str) -> Option<&'a str> {
    let name = resource.strip_prefix(prefix)?;
    (1..=200).contains(&name.chars().count()).then_some(name)
}

/// Is it the ARN of a role: [`ROLE_ARN`]?
pub fn is_role(text: &str) -> bool {
    parse(text).is_some_and(|arn| {
        arn.service == "iam" && arn.region.is_empty() && named(arn.resource, "role/").is_some()
    })
}

/// Region and name of a cluster, by its ARN: [`EKS_CLUSTER_ARN`].
pub fn eks_cluster(text: &str) -> Option<(&str, &str)> {
    let arn = parse(text).filter(|arn| arn.service == "eks")?;
    let name = named(arn.resource, "cluster/")?;
    (1..=100).contains(&arn.region.chars().count()).then_some((arn.region, name))
}

#[cfg(test)]
mod tests {
    use super::{eks_cluster, is_role};

    #[test]
    fn a_cluster_is_told_by_region_and_name() {
        let arn = "arn:aws-cn:eks:cn-north-1:123456789012:cluster/shop";
        assert_eq!(eks_cluster(arn), Some(("cn-north-1", "shop")));
        for other in [
            "shop",
            "arn:aws:eks::123456789012:cluster/shop",
            "arn:aws:eks:eu-west-1:123456789012:cluster/",
            "arn:aws:eks:eu-west-1:123456789012:nodegroup/shop",
            "arn:aws:ec2:eu-west-1:123456789012:cluster/shop",
        ] {
            assert_eq!(eks_cluster(other), None, "{other}");
        }
    }

    #[test]
    fn a_role_is_told_from_what_is_none() {
        for role in [
            "arn:aws:iam::123456789012:role/a",
            "arn:aws-cn:iam::1:role/path/a",
            "arn:aws-us-gov:iam::1:role/a:b",
        ] {
            assert!(is_role(role), "{role}");
        }
        for other in [
            "",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:user/a",
            "arn:aws:iam:eu-west-1:123456789012:role/a",
            "arn:aws:iam::x:role/a",
            "arn:gcp:iam::1:role/a",
            "arn:aws:iam::1:role/a\nb",
        ] {
            assert!(!is_role(other), "{other}");
        }
    }
}
