//! What must be there before a route is made, and gone before something is deleted.

use super::super::error::AwsError;
use super::super::route::Call;
use super::super::xml::Element;
use super::{Ec2, Holds};

impl Ec2 {
    /// A route leads only to a gateway that can take traffic.
    pub(super) async fn check_route(&self, call: &Call) -> Result<(), AwsError> {
        if let Some(nat) = call.form.get("NatGatewayId")
            && !self.is_available(nat)
        {
            return Err(AwsError::new(
                400,
                "InvalidNatGatewayID.NotFound",
                format!("The natGateway ID '{nat}' does not exist"),
            ));
        }
        if let Some(gateway) = call.form.get("GatewayId").filter(|id| id.starts_with("igw-")) {
            self.check_internet_route(call, gateway).await?;
        }
        Ok(())
    }

    async fn check_internet_route(&self, call: &Call, gateway: &str) -> Result<(), AwsError> {
        let table = call.form.get("RouteTableId").unwrap_or_default();
        let params = [("RouteTableId.1", table)];
        let found = self.ask(&call.region, "DescribeRouteTables", &params).await?;
        let vpc = found.find_text("vpcId").unwrap_or_default().to_owned();
        if self.attached_gateway(&call.region, &vpc).await?.as_deref() == Some(gateway) {
            return Ok(());
        }
        Err(AwsError::new(
            400,
            "InvalidParameterValue",
            format!(
                "route table {table} and network gateway {gateway} belong to different networks"
            ),
        ))
    }

    /// Refuses to take away what something else stands on.
    pub(super) async fn check_delete(
        &self,
        call: &Call,
        holds: &dyn Holds,
    ) -> Result<(), AwsError> {
        let region = call.region.as_str();
        let param = |name: &str| call.form.get(name).unwrap_or_default();
        match call.action.as_str() {
            "ReleaseAddress" => self.check_release(region, param("AllocationId")).await,
            "DisassociateAddress" => self.check_disassociate(region, param("AssociationId")).await,
            "AttachInternetGateway" => self.check_attach(region, param("VpcId")).await,
            "DetachInternetGateway" => self.check_detach(region, param("VpcId")).await,
            "DeleteSubnet" => self.check_subnet(region, param("SubnetId"), holds).await,
            "DeleteVpc" => self.check_vpc(region, param("VpcId")).await,
            "DeleteRouteTable" => self.check_table(region, param("RouteTableId")).await,
            "DeleteSecurityGroup" => self.check_group(region, param("GroupId"), holds).await,
            _ => Ok(()),
        }
    }

    /// Deleting a subnet takes its route table association with it; moto leaves it behind.
    pub(super) async fn drop_associations(
        &self,
        region: &str,
        subnet: &str,
    ) -> Result<(), AwsError> {
        let tables =
            self.filtered(region, "DescribeRouteTables", "association.subnet-id", subnet).await?;
        for table in tables.items("routeTableSet") {
            for association in table.items("associationSet") {
                if association.text("subnetId") == Some(subnet) {
                    let id = association.text("routeTableAssociationId").unwrap_or_default();
                    let params = [("AssociationId", id)];
                    self.ask(region, "DisassociateRouteTable", &params).await?;
                }
            }
        }
        Ok(())
    }

    async fn filtered(
        &self,
        region: &str,
        action: &str,
        filter: &str,
        value: &str,
    ) -> Result<Element, AwsError> {
        let params = [("Filter.1.Name", filter), ("Filter.1.Value.1", value)];
        self.ask(region, action, &params).await
    }

    async fn check_release(&self, region: &str, allocation: &str) -> Result<(), AwsError> {
        if allocation.is_empty() {
            return Ok(());
        }
        let params = [("AllocationId.1", allocation)];
        let found = self.ask(region, "DescribeAddresses", &params).await?;
        match found.find_text("associationId") {
            None => Ok(()),
            Some(_) => Err(AwsError::new(
                400,
                "InvalidIPAddress.InUse",
                format!("Address {} is in use.", found.find_text("publicIp").unwrap_or(allocation)),
            )),
        }
    }

    async fn check_disassociate(&self, region: &str, association: &str) -> Result<(), AwsError> {
        let found =
            self.filtered(region, "DescribeAddresses", "association-id", association).await?;
        let interface = found.find_text("networkInterfaceId").unwrap_or_default();
        if self.is_nat_interface(interface) {
            return Err(AwsError::new(
                400,
                "OperationNotPermitted",
                format!("You are not allowed to manage 'ela-attach' attachments. ({interface})"),
            ));
        }
        Ok(())
    }

    async fn check_attach(&self, region: &str, vpc: &str) -> Result<(), AwsError> {
        match self.attached_gateway(region, vpc).await? {
            None => Ok(()),
            Some(_) => Err(AwsError::new(
                400,
                "InvalidParameterValue",
                format!("Network {vpc} already has an internet gateway attached"),
            )),
        }
    }

    async fn check_detach(&self, region: &str, vpc: &str) -> Result<(), AwsError> {
        let nats = self.holding(|nat| nat.region == region && nat.vpc == vpc && nat.public);
        let interfaces = self.filtered(region, "DescribeNetworkInterfaces", "vpc-id", vpc).await?;
        let mapped = interfaces
            .items("networkInterfaceSet")
            .iter()
            .any(|interface| interface.find_text("allocationId").is_some());
        if nats.is_empty() && !mapped {
            return Ok(());
        }
        Err(AwsError::new(
            400,
            "DependencyViolation",
            format!(
                "Network {vpc} has some mapped public address(es). Please unmap those public \
                 address(es) before detaching the gateway."
            ),
        ))
    }

    async fn check_subnet(
        &self,
        region: &str,
        subnet: &str,
        holds: &dyn Holds,
    ) -> Result<(), AwsError> {
        let nats = self.holding(|nat| nat.region == region && nat.subnet == subnet);
        let interfaces =
            self.filtered(region, "DescribeNetworkInterfaces", "subnet-id", subnet).await?;
        let held = !nats.is_empty()
            || !interfaces.items("networkInterfaceSet").is_empty()
            || holds.of_subnet(region, subnet).is_some();
        refuse(held, "subnet", subnet)
    }

    async fn check_vpc(&self, region: &str, vpc: &str) -> Result<(), AwsError> {
        let has = async |action: &str, filter: &str, list: &str| {
            let found = self.filtered(region, action, filter, vpc).await?;
            Ok::<_, AwsError>(found.items(list).to_vec())
        };
        let groups = has("DescribeSecurityGroups", "vpc-id", "securityGroupInfo").await?;
        let tables = has("DescribeRouteTables", "vpc-id", "routeTableSet").await?;
        let held = !has("DescribeSubnets", "vpc-id", "subnetSet").await?.is_empty()
            || self.attached_gateway(region, vpc).await?.is_some()
            || groups.iter().any(|group| group.text("groupName") != Some("default"))
            || tables.iter().any(|table| table.find_text("main") != Some("true"))
            || !self.holding(|nat| nat.region == region && nat.vpc == vpc).is_empty();
        refuse(held, "vpc", vpc)
    }

    async fn check_table(&self, region: &str, table: &str) -> Result<(), AwsError> {
        let params = [("RouteTableId.1", table)];
        let found = self.ask(region, "DescribeRouteTables", &params).await?;
        refuse(!found.items("associationSet").is_empty(), "routeTable", table)
    }

    async fn check_group(
        &self,
        region: &str,
        group: &str,
        holds: &dyn Holds,
    ) -> Result<(), AwsError> {
        if group.is_empty() {
            return Ok(());
        }
        let interfaces =
            self.filtered(region, "DescribeNetworkInterfaces", "group-id", group).await?;
        let groups = self.ask(region, "DescribeSecurityGroups", &[]).await?;
        let referring = groups
            .items("securityGroupInfo")
            .iter()
            .filter(|other| other.text("groupId") != Some(group))
            .any(|other| mentions(other, group));
        let held = referring
            || !interfaces.items("networkInterfaceSet").is_empty()
            || holds.of_security_group(region, group).is_some();
        if !held {
            return Ok(());
        }
        let message = format!("resource {group} has a dependent object");
        Err(AwsError::new(400, "DependencyViolation", message))
    }
}

fn mentions(other: &Element, group: &str) -> bool {
    let permissions = ["ipPermissions", "ipPermissionsEgress"];
    let mut entries = permissions.iter().flat_map(|list| other.items(list));
    entries.any(|entry| entry.items("groups").iter().any(|g| g.text("groupId") == Some(group)))
}

fn refuse(held: bool, kind: &str, id: &str) -> Result<(), AwsError> {
    if !held {
        return Ok(());
    }
    let message = format!("The {kind} '{id}' has dependencies and cannot be deleted.");
    Err(AwsError::new(400, "DependencyViolation", message))
}
