//! EKS: clusters and node groups. Names are chosen by us, creates take a token as well, and
//! everything is asynchronous.

pub mod cluster;
pub mod node_group;
mod tags;

pub use cluster::Cluster;
pub use node_group::NodeGroup;

/// API group of these kinds.
pub const GROUP: &str = "eks.aws.crossplane.io";

#[cfg(test)]
mod tests {
    use crate::aws::schemas::compare;

    #[test]
    fn schemas_are_those_of_provider_aws() {
        compare::<super::Cluster>(include_str!("cluster/schema.txt"));
        compare::<super::NodeGroup>(include_str!("node_group/schema.txt"));
    }
}
