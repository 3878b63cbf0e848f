//! What the other parts ask about the network, and how EC2 names what it describes.

use super::super::error::AwsError;
use super::super::xml::Element;
use super::Ec2;

/// How a describe action names its entries.
pub(super) struct Described {
    pub(super) list: &'static str,
    pub(super) id: &'static str,
    pub(super) parameter: &'static str,
    code: &'static str,
    words: &'static str,
}

impl Described {
    /// AWS's error for an id that is not there.
    pub(super) fn not_found(&self, id: &str) -> AwsError {
        AwsError::new(400, self.code, format!("The {} '{id}' does not exist", self.words))
    }
}

const fn described_as(
    list: &'static str,
    id: &'static str,
    parameter: &'static str,
    code: &'static str,
    words: &'static str,
) -> Described {
    Described { list, id, parameter, code, words }
}

/// The describe actions whose resources may be created with an owner tag.
pub(super) fn described(action: &str) -> Option<Described> {
    let found = match action {
        "DescribeVpcs" => {
            described_as("vpcSet", "vpcId", "VpcId", "InvalidVpcID.NotFound", "vpc ID")
        }
        "DescribeSubnets" => described_as(
            "subnetSet",
            "subnetId",
            "SubnetId",
            "InvalidSubnetID.NotFound",
            "subnet ID",
        ),
        "DescribeInternetGateways" => described_as(
            "internetGatewaySet",
            "internetGatewayId",
            "InternetGatewayId",
            "InvalidInternetGatewayID.NotFound",
            "internetGateway ID",
        ),
        "DescribeRouteTables" => described_as(
            "routeTableSet",
            "routeTableId",
            "RouteTableId",
            "InvalidRouteTableID.NotFound",
            "routeTable ID",
        ),
        "DescribeAddresses" => described_as(
            "addressesSet",
            "allocationId",
            "AllocationId",
            "InvalidAllocationID.NotFound",
            "allocation ID",
        ),
        "DescribeSecurityGroups" => described_as(
            "securityGroupInfo",
            "groupId",
            "GroupId",
            "InvalidGroup.NotFound",
            "security group",
        ),
        _ => return None,
    };
    Some(found)
}

/// The element of a create action's answer that holds the new id.
pub(super) fn created(action: &str) -> Option<&'static str> {
    match action {
        "CreateVpc" => Some("vpcId"),
        "CreateSubnet" => Some("subnetId"),
        "CreateInternetGateway" => Some("internetGatewayId"),
        "CreateRouteTable" => Some("routeTableId"),
        "AllocateAddress" => Some("allocationId"),
        "CreateSecurityGroup" => Some("groupId"),
        _ => None,
    }
}

/// A subnet as EKS looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubnetFacts {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) zone: String,
    pub(crate) cidr: String,
    /// Why nodes in it could not reach the cluster; `None` when they can.
    pub(crate) no_way_out: Option<String>,
}

/// The questions that EKS has about the network.
pub(crate) struct Network<'a> {
    pub(crate) ec2: &'a Ec2,
    pub(crate) region: &'a str,
}

impl Network<'_> {
    /// The facts of these subnets in the order asked; fails with EC2's error for an unknown one.
    pub(crate) async fn subnets(&self, ids: &[String]) -> Result<Vec<SubnetFacts>, AwsError> {
        self.ec2.settle().await?;
        let mut found = Vec::new();
        for id in ids {
            let params = [("SubnetId.1", id.as_str())];
            let answer = self.ec2.ask(self.region, "DescribeSubnets", &params).await?;
            let subnet = answer.items("subnetSet").first().cloned().unwrap_or_default();
            found.push(self.facts(&subnet).await?);
        }
        Ok(found)
    }

    /// Creates the security group that EKS makes for a cluster, and returns its id.
    pub(crate) async fn create_cluster_group(
        &self,
        cluster: &str,
        vpc: &str,
    ) -> Result<String, AwsError> {
        let suffix: u32 = rand::random_range(100_000_000..1_000_000_000);
        let name = format!("eks-cluster-sg-{cluster}-{suffix}");
        let owned = format!("kubernetes.io/cluster/{cluster}");
        let params = [
            ("GroupName", name.as_str()),
            (
                "GroupDescription",
                "EKS created security group applied to ENI that is attached to EKS Control Plane \
                 master nodes, as well as any managed workloads.",
            ),
            ("VpcId", vpc),
            ("TagSpecification.1.ResourceType", "security-group"),
            ("TagSpecification.1.Tag.1.Key", "aws:eks:cluster-name"),
            ("TagSpecification.1.Tag.1.Value", cluster),
            ("TagSpecification.1.Tag.2.Key", owned.as_str()),
            ("TagSpecification.1.Tag.2.Value", "owned"),
            ("TagSpecification.1.Tag.3.Key", "Name"),
            ("TagSpecification.1.Tag.3.Value", name.as_str()),
        ];
        let answer = self.ec2.ask(self.region, "CreateSecurityGroup", &params).await?;
        Ok(answer.find_text("groupId").unwrap_or_default().to_owned())
    }

    /// Removes it with the cluster.
    pub(crate) async fn delete_cluster_group(&self, group: &str) -> Result<(), AwsError> {
        let params = [("GroupId", group)];
        self.ec2.ask(self.region, "DeleteSecurityGroup", &params).await.map(|_| ())
    }

    async fn facts(&self, subnet: &Element) -> Result<SubnetFacts, AwsError> {
        let text = |name: &str| subnet.text(name).unwrap_or_default().to_owned();
        let facts = SubnetFacts {
            id: text("subnetId"),
            vpc: text("vpcId"),
            zone: text("availabilityZone"),
            cidr: text("cidrBlock"),
            no_way_out: None,
        };
        let public = subnet.text("mapPublicIpOnLaunch") == Some("true");
        let no_way_out = self.why_no_way_out(&facts, public).await?;
        Ok(SubnetFacts { no_way_out, ..facts })
    }

    async fn why_no_way_out(
        &self,
        subnet: &SubnetFacts,
        public: bool,
    ) -> Result<Option<String>, AwsError> {
        let table = self.effective_table(subnet).await?;
        let id = table.text("routeTableId").unwrap_or("none").to_owned();
        let default = table
            .child("routeSet")
            .into_iter()
            .flat_map(|set| &set.children)
            .find(|route| route.text("destinationCidrBlock") == Some("0.0.0.0/0"));
        let Some(route) = default else {
            return Ok(Some(format!("{} ({id}) has no route to 0.0.0.0/0", subnet.id)));
        };
        Ok(match (route.text("natGatewayId"), route.text("gatewayId")) {
            (Some(nat), _) if self.ec2.is_available(nat) => None,
            (Some(nat), _) => Some(format!("{}: {nat} of {id} is not available", subnet.id)),
            (None, Some(_)) if public => None,
            (None, Some(_)) => Some(format!(
                "{} routes to an internet gateway and gives its instances no public address",
                subnet.id
            )),
            (None, None) => Some(format!("{}: the default route of {id} leads nowhere", subnet.id)),
        })
    }

    async fn effective_table(&self, subnet: &SubnetFacts) -> Result<Element, AwsError> {
        let explicit = self.tables("association.subnet-id", &subnet.id).await?;
        if let Some(table) = explicit {
            return Ok(table);
        }
        let main = [
            ("Filter.1.Name", "association.main"),
            ("Filter.1.Value.1", "true"),
            ("Filter.2.Name", "vpc-id"),
            ("Filter.2.Value.1", subnet.vpc.as_str()),
        ];
        let answer = self.ec2.ask(self.region, "DescribeRouteTables", &main).await?;
        Ok(answer.items("routeTableSet").first().cloned().unwrap_or_default())
    }

    async fn tables(&self, filter: &str, value: &str) -> Result<Option<Element>, AwsError> {
        let params = [("Filter.1.Name", filter), ("Filter.1.Value.1", value)];
        let answer = self.ec2.ask(self.region, "DescribeRouteTables", &params).await?;
        Ok(answer.items("routeTableSet").first().cloned())
    }
}
