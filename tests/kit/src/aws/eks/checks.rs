//! What EKS checks before it accepts a cluster or a node group.

use super::super::directory::Role;
use super::super::ec2::{Network, SubnetFacts};
use super::super::error::AwsError;
use super::model::{CreateCluster, CreateNodegroup, Scaling};
use super::{Eks, MINORS, invalid};

/// Without these a node cannot register, get an address or pull an image.
const NODE_POLICIES: [&[&str]; 3] = [
    &["AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy"],
    &["AmazonEKS_CNI_Policy"],
    &["AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly"],
];

impl Eks {
    /// The subnets of an acceptable cluster.
    pub(super) async fn check_cluster(
        &self,
        wanted: &CreateCluster,
        region: &str,
    ) -> Result<Vec<SubnetFacts>, AwsError> {
        check_name(&wanted.name, "cluster")?;
        if let Some(version) = &wanted.version {
            minor(version)?;
        }
        let role = self.assumable(&wanted.role_arn, "eks.amazonaws.com").await?;
        if !role.has_aws_policy("AmazonEKSClusterPolicy") {
            return Err(invalid(
                "The provided role doesn't have the Amazon EKS Managed Policies associated with \
                 it. Please ensure the following policies \
                 [arn:aws:iam::aws:policy/AmazonEKSClusterPolicy] are attached",
            ));
        }
        let subnets = self.subnets(region, &wanted.resources_vpc_config.subnet_ids).await?;
        let zones: std::collections::BTreeSet<_> = subnets.iter().map(|s| &s.zone).collect();
        if zones.len() < 2 {
            return Err(invalid("Subnets specified must be in at least two different AZs"));
        }
        same_vpc(&subnets, &subnets[0].vpc)?;
        Ok(subnets)
    }

    /// The subnets of an acceptable node group, and why its nodes could not join, if so.
    pub(super) async fn check_nodegroup(
        &self,
        wanted: &CreateNodegroup,
        region: &str,
        vpc: &str,
    ) -> Result<(Vec<SubnetFacts>, Option<String>), AwsError> {
        check_name(&wanted.nodegroup_name, "nodegroup")?;
        let role = self.assumable(&wanted.node_role, "ec2.amazonaws.com").await?;
        let subnets = self.subnets(region, &wanted.subnets).await?;
        same_vpc(&subnets, vpc)?;
        let unfit = lacking_policy(&role)
            .or_else(|| subnets.iter().find_map(|subnet| subnet.no_way_out.clone()));
        Ok((subnets, unfit))
    }

    async fn subnets(&self, region: &str, ids: &[String]) -> Result<Vec<SubnetFacts>, AwsError> {
        if ids.is_empty() {
            return Err(invalid("Subnets are required"));
        }
        let network = Network { ec2: &self.parts.ec2, region };
        network.subnets(ids).await.map_err(|error| match error.status {
            400 => invalid(format!("{} (Service: Ec2, {})", error.message, error.code)),
            _ => error,
        })
    }

    async fn assumable(&self, arn: &str, service: &str) -> Result<std::sync::Arc<Role>, AwsError> {
        let role = self.parts.directory.role_by_arn(arn).await?;
        role.filter(|role| {
            self.parts.directory.is_propagated(&role.name) && role.trusts_service(service)
        })
        .ok_or_else(|| {
            invalid(format!(
                "Role with arn: {arn}, could not be assumed because it does not exist or the \
                 trusted entity is not correct"
            ))
        })
    }
}

fn lacking_policy(role: &Role) -> Option<String> {
    let lacking =
        NODE_POLICIES.iter().find(|one_of| !one_of.iter().any(|p| role.has_aws_policy(p)));
    lacking.map(|one_of| format!("role {} lacks the policy {}", role.name, one_of[0]))
}

fn same_vpc(subnets: &[SubnetFacts], vpc: &str) -> Result<(), AwsError> {
    match subnets.iter().find(|subnet| subnet.vpc != vpc) {
        None => Ok(()),
        Some(other) => Err(invalid(format!(
            "Subnet {} belongs to {}, not to {vpc}: all subnets must be in one VPC",
            other.id, other.vpc
        ))),
    }
}

fn check_name(name: &str, kind: &str) -> Result<(), AwsError> {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = letters.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let longest = if kind == "cluster" { 100 } else { 63 };
    if first && rest && name.len() <= longest {
        return Ok(());
    }
    Err(invalid(format!(
        "{kind} name {name:?} is not valid: it must begin with a letter or digit, hold only \
         letters, digits, hyphens and underscores, and have at most {longest} characters"
    )))
}

/// The minor of a version `1.<minor>`.
pub(super) fn minor(version: &str) -> Result<u32, AwsError> {
    let minor = version.strip_prefix("1.").and_then(|minor| minor.parse().ok());
    minor
        .filter(|minor| MINORS.contains(minor))
        .ok_or_else(|| invalid(format!("unsupported Kubernetes version {version}")))
}

/// Minimum, maximum and desired size, with EKS's defaults.
pub(super) fn sizes(
    scaling: Option<Scaling>,
    now: (u32, u32, u32),
) -> Result<(u32, u32, u32), AwsError> {
    let Some(scaling) = scaling else { return Ok(now) };
    let min = scaling.min_size.unwrap_or(now.0);
    let max = scaling.max_size.unwrap_or(now.1);
    let desired = scaling.desired_size.unwrap_or(now.2);
    if min > max {
        return Err(invalid(format!("Minimum capacity {min} can't be greater than maximum {max}")));
    }
    if max == 0 {
        return Err(invalid("Maximum capacity must be at least 1"));
    }
    if desired < min {
        return Err(invalid(format!(
            "Minimum capacity {min} can't be greater than desired size {desired}"
        )));
    }
    if desired > max {
        return Err(invalid(format!(
            "desired capacity {desired} can't be greater than max size {max}"
        )));
    }
    Ok((min, max, desired))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_checked() {
        assert!(check_name("commercial-staging_1", "cluster").is_ok());
        assert!(check_name("-a", "cluster").is_err());
        assert!(check_name("a.b", "cluster").is_err());
        assert!(check_name(&"a".repeat(64), "nodegroup").is_err());
        assert_eq!(minor("1.28"), Ok(28));
        assert!(minor("1.3").is_err() && minor("v1.30").is_err());
    }

    #[test]
    fn sizes_have_to_be_in_order() {
        let scaling = |min, max, desired| {
            Some(Scaling { min_size: min, max_size: max, desired_size: desired })
        };
        let defaults = (1, 2, 2);
        assert_eq!(sizes(None, defaults).unwrap(), (1, 2, 2));
        assert_eq!(sizes(scaling(Some(1), Some(3), Some(3)), defaults).unwrap(), (1, 3, 3));
        assert!(sizes(scaling(Some(3), Some(1), None), defaults).is_err());
        assert!(sizes(scaling(None, Some(1), Some(2)), defaults).is_err());
    }
}
