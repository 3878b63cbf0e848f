//! Everything that AWS holds, so that a test can say that nothing is left.

use serde::Serialize;
use serde_json::{Value, json};

use super::directory::IAM_REGION;
use super::eks::Tags;
use super::error::AwsError;
use super::server::State;
use super::xml::Element;

/// One thing that exists in AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Resource {
    /// Signing name of the service.
    pub service: String,
    /// Kind within the service: `vpc`, `role`, `table`, …
    pub kind: String,
    /// Region, or `global`.
    pub region: String,
    /// Id or ARN: what the service knows it by.
    pub id: String,
    /// The name that a person gave it, in the tag `Name` where it has no other.
    pub name: Option<String>,
    /// Its tags, where listing them is free.
    pub tags: Tags,
}

/// An EC2 listing: action, list, id element, kind.
struct Listing(&'static str, &'static str, &'static str, &'static str);

const EC2: [Listing; 9] = [
    Listing("DescribeVpcs", "vpcSet", "vpcId", "vpc"),
    Listing("DescribeSubnets", "subnetSet", "subnetId", "subnet"),
    Listing(
        "DescribeInternetGateways",
        "internetGatewaySet",
        "internetGatewayId",
        "internet-gateway",
    ),
    Listing("DescribeNatGateways", "natGatewaySet", "natGatewayId", "nat-gateway"),
    Listing("DescribeAddresses", "addressesSet", "allocationId", "address"),
    Listing("DescribeRouteTables", "routeTableSet", "routeTableId", "route-table"),
    Listing("DescribeSecurityGroups", "securityGroupInfo", "groupId", "security-group"),
    Listing(
        "DescribeNetworkInterfaces",
        "networkInterfaceSet",
        "networkInterfaceId",
        "network-interface",
    ),
    Listing("DescribeInstances", "instancesSet", "instanceId", "instance"),
];

/// Everything in every region that was ever asked about.
pub(crate) async fn everything(state: &State) -> Result<Vec<Resource>, AwsError> {
    let regions: Vec<_> =
        state.regions.lock().expect("because no holder panics").iter().cloned().collect();
    let mut found = iam(state).await?;
    for region in &regions {
        found.extend(ec2(state, region).await?);
        found.extend(tables(state, region).await?);
    }
    found.extend(state.eks.all().into_iter().map(|(region, kind, name, id, tags)| Resource {
        service: "eks".into(),
        kind: kind.into(),
        region,
        id,
        name: Some(name),
        tags,
    }));
    found.sort();
    Ok(found)
}

async fn ec2(state: &State, region: &str) -> Result<Vec<Resource>, AwsError> {
    state.ec2.settle().await?;
    let vpcs = state.moto.query("ec2", region, "DescribeVpcs", &[]).await?;
    let default = vpcs
        .items("vpcSet")
        .iter()
        .find(|vpc| vpc.text("isDefault") == Some("true"))
        .and_then(|vpc| vpc.text("vpcId"));
    let mut found = Vec::new();
    for Listing(action, list, id, kind) in EC2 {
        let answer = state.moto.query("ec2", region, action, &[]).await?;
        for item in answer.items(list) {
            let key = item.text(id).unwrap_or_default();
            if counts(item, kind, default) && !state.ec2.is_gone(key) {
                found.push(ec2_resource(item, region, kind, key));
            }
        }
    }
    Ok(found)
}

/// What AWS makes by itself, and what goes with its VPC, does not count.
fn counts(item: &Element, kind: &str, default_vpc: Option<&str>) -> bool {
    let in_default = default_vpc.is_some() && item.text("vpcId") == default_vpc;
    let own = match kind {
        "route-table" => item.find_text("main") == Some("true"),
        "security-group" => item.text("groupName") == Some("default"),
        "nat-gateway" => item.text("state") == Some("deleted"),
        _ => false,
    };
    !in_default && !own
}

fn ec2_resource(item: &Element, region: &str, kind: &str, id: &str) -> Resource {
    let tags: Tags = item.tags().into_iter().collect();
    let name = item.text("groupName").map(str::to_owned).or_else(|| tags.get("Name").cloned());
    Resource {
        service: "ec2".into(),
        kind: kind.into(),
        region: region.into(),
        id: id.into(),
        name,
        tags,
    }
}

async fn iam(state: &State) -> Result<Vec<Resource>, AwsError> {
    let ask = async |action: &str, params: &[(&str, &str)]| {
        state.moto.query("iam", IAM_REGION, action, params).await
    };
    let all = ("MaxItems", "1000");
    let mut found = Vec::new();
    for role in ask("ListRoles", &[all]).await?.items("Roles") {
        found.push(iam_resource(role, "role", "Arn", "RoleName"));
    }
    for policy in ask("ListPolicies", &[("Scope", "Local"), all]).await?.items("Policies") {
        found.push(iam_resource(policy, "policy", "Arn", "PolicyName"));
    }
    for profile in ask("ListInstanceProfiles", &[all]).await?.items("InstanceProfiles") {
        found.push(iam_resource(profile, "instance-profile", "Arn", "InstanceProfileName"));
    }
    let providers = ask("ListOpenIDConnectProviders", &[]).await?;
    for provider in providers.items("OpenIDConnectProviderList") {
        found.push(iam_resource(provider, "oidc-provider", "Arn", "Url"));
    }
    Ok(found)
}

fn iam_resource(item: &Element, kind: &str, id: &str, name: &str) -> Resource {
    Resource {
        service: "iam".into(),
        kind: kind.into(),
        region: "global".into(),
        id: item.text(id).unwrap_or_default().into(),
        name: item.text(name).map(str::to_owned),
        tags: item.tags().into_iter().collect(),
    }
}

async fn tables(state: &State, region: &str) -> Result<Vec<Resource>, AwsError> {
    let target = "DynamoDB_20120810.ListTables";
    let answer = state.moto.json("dynamodb", region, target, &json!({})).await?;
    let names = answer.get("TableNames").and_then(Value::as_array).into_iter().flatten();
    Ok(names
        .filter_map(Value::as_str)
        .map(|name| Resource {
            service: "dynamodb".into(),
            kind: "table".into(),
            region: region.into(),
            id: format!("arn:aws:dynamodb:{region}:{}:table/{name}", state.account),
            name: Some(name.into()),
            tags: Tags::new(),
        })
        .collect())
}
