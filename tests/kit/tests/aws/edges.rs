//! Every edge of the network and of IAM: refused too early, accepted in its turn, both ways.

use capstan_kit::aws::AwsStandIn;
use serde_json::{Value, json};

use super::support::{
    Vpc, ec2, eks_refused, eks_status, nat_state, quick, refused, service_trust, start,
};

const AWS_POLICY: &str = "arn:aws:iam::aws:policy";

async fn must(aws: &AwsStandIn, action: &str, params: &[(&str, &str)]) {
    ec2(aws, action, params, "requestId").await;
}

async fn ec2_refused(aws: &AwsStandIn, action: &str, params: &[(&str, &str)], code: &str) {
    refused(aws.client(), "ec2", action, params, code).await;
}

/// A NAT gateway in a subnet, with its address.
async fn nat(aws: &AwsStandIn, subnet: &str) -> (String, String) {
    let address = ec2(aws, "AllocateAddress", &[("Domain", "vpc")], "allocationId").await;
    let params = [("SubnetId", subnet), ("AllocationId", address.as_str())];
    (ec2(aws, "CreateNatGateway", &params, "natGatewayId").await, address)
}

#[tokio::test]
async fn the_network_stands_and_falls_in_order() {
    let started = start(quick()).await;
    let aws = &started.aws;
    let vpc = Vpc::create(aws).await;
    let igw = ec2(aws, "CreateInternetGateway", &[], "internetGatewayId").await;

    // Without an internet gateway the call is accepted and the NAT gateway fails.
    let (failed, address) = nat(aws, &vpc.public[0]).await;
    nat_state(aws, &failed, "failed").await;
    let why = ec2(aws, "DescribeNatGateways", &[("NatGatewayId.1", &failed)], "failureCode").await;
    assert_eq!(why, "Gateway.NotAttached");
    assert_eq!(aws.dependency_errors().len(), 1);

    let pair = [("InternetGatewayId", igw.as_str()), ("VpcId", vpc.id.as_str())];
    must(aws, "AttachInternetGateway", &pair).await;
    let params = [
        ("SubnetId", vpc.public[0].as_str()),
        ("AllocationId", address.as_str()),
        ("ClientToken", "nat-1"),
        ("TagSpecification.1.ResourceType", "natgateway"),
        ("TagSpecification.1.Tag.1.Key", "owner"),
        ("TagSpecification.1.Tag.1.Value", "me"),
    ];
    let gateway = ec2(aws, "CreateNatGateway", &params, "natGatewayId").await;
    assert_eq!(ec2(aws, "CreateNatGateway", &params, "natGatewayId").await, gateway);
    let by_tag = [("Filter.1.Name", "tag:owner"), ("Filter.1.Value.1", "me")];
    assert_eq!(ec2(aws, "DescribeNatGateways", &by_tag, "natGatewayId").await, gateway);

    let table = ec2(aws, "CreateRouteTable", &[("VpcId", &vpc.id)], "routeTableId").await;
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("NatGatewayId", gateway.as_str()),
    ];
    ec2_refused(aws, "CreateRoute", &route, "InvalidNatGatewayID.NotFound").await;
    nat_state(aws, &gateway, "available").await;
    must(aws, "CreateRoute", &route).await;
    let association = [("RouteTableId", table.as_str()), ("SubnetId", vpc.private[0].as_str())];
    let association = ec2(aws, "AssociateRouteTable", &association, "associationId").await;

    // And down again: everything refuses until what stands on it is gone.
    ec2_refused(aws, "ReleaseAddress", &[("AllocationId", &address)], "InvalidIPAddress.InUse")
        .await;
    ec2_refused(aws, "DetachInternetGateway", &pair, "DependencyViolation").await;
    let igw_only = [("InternetGatewayId", igw.as_str())];
    ec2_refused(aws, "DeleteInternetGateway", &igw_only, "DependencyViolation").await;
    ec2_refused(aws, "DeleteSubnet", &[("SubnetId", &vpc.public[0])], "DependencyViolation").await;
    ec2_refused(aws, "DeleteVpc", &[("VpcId", &vpc.id)], "DependencyViolation").await;
    ec2_refused(aws, "DeleteRouteTable", &[("RouteTableId", &table)], "DependencyViolation").await;

    must(aws, "DeleteNatGateway", &[("NatGatewayId", &gateway)]).await;
    nat_state(aws, &gateway, "deleting").await;
    ec2_refused(aws, "ReleaseAddress", &[("AllocationId", &address)], "InvalidIPAddress.InUse")
        .await;
    ec2_refused(aws, "DeleteSubnet", &[("SubnetId", &vpc.public[0])], "DependencyViolation").await;
    nat_state(aws, &gateway, "deleted").await;
    let state = ec2(aws, "DescribeRouteTables", &[("RouteTableId.1", &table)], "routeSet").await;
    assert_eq!(state, "");
    must(aws, "ReleaseAddress", &[("AllocationId", &address)]).await;
    must(aws, "DetachInternetGateway", &pair).await;
    must(aws, "DeleteInternetGateway", &igw_only).await;
    must(aws, "DisassociateRouteTable", &[("AssociationId", &association)]).await;
    must(aws, "DeleteRouteTable", &[("RouteTableId", &table)]).await;
    for subnet in vpc.public.iter().chain(&vpc.private) {
        must(aws, "DeleteSubnet", &[("SubnetId", subnet)]).await;
    }
    let group = [("GroupName", "g"), ("GroupDescription", "g"), ("VpcId", vpc.id.as_str())];
    let group = ec2(aws, "CreateSecurityGroup", &group, "groupId").await;
    ec2_refused(aws, "DeleteVpc", &[("VpcId", &vpc.id)], "DependencyViolation").await;
    must(aws, "DeleteSecurityGroup", &[("GroupId", &group)]).await;
    must(aws, "DeleteVpc", &[("VpcId", &vpc.id)]).await;
    assert_eq!(aws.inventory().await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_role_and_a_policy_go_only_when_nothing_is_attached() {
    let started = start(quick()).await;
    let client = started.aws.client();
    let document = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;
    client.iam_create_role("r", &service_trust("ec2.amazonaws.com")).await.unwrap();
    let policy = client.iam_create_policy("p", document).await.unwrap();
    let by_arn = [("PolicyArn", policy.as_str())];
    refused(client, "iam", "AttachRolePolicy", &[("RoleName", "none"), by_arn[0]], "NoSuchEntity")
        .await;
    client.iam_attach_role_policy("r", &policy).await.unwrap();
    refused(client, "iam", "DeletePolicy", &by_arn, "DeleteConflict").await;
    refused(client, "iam", "DeleteRole", &[("RoleName", "r")], "DeleteConflict").await;
    let pair = [("RoleName", "r"), by_arn[0]];
    client.query("iam", "DetachRolePolicy", &pair).await.unwrap();
    let version = [by_arn[0], ("PolicyDocument", document), ("SetAsDefault", "true")];
    client.query("iam", "CreatePolicyVersion", &version).await.unwrap();
    refused(client, "iam", "DeletePolicy", &by_arn, "DeleteConflict").await;
    let first = [by_arn[0], ("VersionId", "v1")];
    client.query("iam", "DeletePolicyVersion", &first).await.unwrap();
    client.query("iam", "DeletePolicy", &by_arn).await.unwrap();
    client.query("iam", "DeleteRole", &[("RoleName", "r")]).await.unwrap();
    assert_eq!(started.aws.inventory().await.unwrap(), vec![]);
}

fn cluster(role: &str, subnets: &[&String]) -> Value {
    json!({
        "name": "c", "version": "1.28", "roleArn": role, "clientRequestToken": "token-c",
        "resourcesVpcConfig": {"subnetIds": subnets}, "tags": {"owner": "me"},
    })
}

fn nodegroup(role: &str, subnets: &[String]) -> Value {
    json!({
        "nodegroupName": "n", "nodeRole": role, "subnets": subnets, "clientRequestToken": "token-n",
        "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 2},
    })
}

#[tokio::test]
async fn a_cluster_waits_for_its_role_and_a_node_group_for_its_way_out() {
    let started = start(quick()).await;
    let aws = &started.aws;
    let client = aws.client();
    let vpc = Vpc::create(aws).await;
    let all: Vec<_> = vpc.public.iter().chain(&vpc.private).collect();
    let invalid = "InvalidParameterException";

    // The cluster's role: there, trusting EKS, with the policy.
    let missing = "arn:aws:iam::123456789012:role/cluster";
    eks_refused(aws, "POST", "/clusters", cluster(missing, &all), invalid).await;
    let wrong = client.iam_create_role("wrong", &service_trust("ec2.amazonaws.com")).await.unwrap();
    eks_refused(aws, "POST", "/clusters", cluster(&wrong, &all), invalid).await;
    let role =
        client.iam_create_role("cluster", &service_trust("eks.amazonaws.com")).await.unwrap();
    eks_refused(aws, "POST", "/clusters", cluster(&role, &all), invalid).await;
    let policy = format!("{AWS_POLICY}/AmazonEKSClusterPolicy");
    client.iam_attach_role_policy("cluster", &policy).await.unwrap();
    let one_zone = [&vpc.public[0], &vpc.private[0]];
    eks_refused(aws, "POST", "/clusters", cluster(&role, &one_zone), invalid).await;
    let made = client.eks("POST", "/clusters", &cluster(&role, &all)).await.unwrap();
    assert_eq!(made["cluster"]["status"], "CREATING");
    assert_eq!(made["cluster"].get("endpoint"), None);
    let again = client.eks("POST", "/clusters", &cluster(&role, &all)).await.unwrap();
    assert_eq!(again["cluster"]["createdAt"], made["cluster"]["createdAt"]);
    let mut other = cluster(&role, &all);
    other["version"] = json!("1.29");
    eks_refused(aws, "POST", "/clusters", other.clone(), invalid).await;
    other["clientRequestToken"] = json!("other");
    eks_refused(aws, "POST", "/clusters", other, "ResourceInUseException").await;

    // A node group: the cluster active, the role's policies, and a way out of the subnets.
    let nodes = client.iam_create_role("nodes", &service_trust("ec2.amazonaws.com")).await.unwrap();
    let path = "/clusters/c/node-groups";
    let wanted = nodegroup(&nodes, &vpc.private);
    eks_refused(aws, "POST", path, wanted.clone(), "InvalidRequestException").await;
    let active = eks_status(aws, "/clusters/c", "ACTIVE").await;
    assert!(
        active["identity"]["oidc"]["issuer"].as_str().unwrap().starts_with("https://oidc.eks.")
    );
    client.eks("POST", path, &wanted).await.unwrap();
    let group = "/clusters/c/node-groups/n";
    let failed = eks_status(aws, group, "CREATE_FAILED").await;
    assert_eq!(failed["health"]["issues"][0]["code"], "NodeCreationFailure");
    client.eks("DELETE", group, &Value::Null).await.unwrap();
    eks_status(aws, group, "gone").await;

    for name in
        ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"]
    {
        client.iam_attach_role_policy("nodes", &format!("{AWS_POLICY}/{name}")).await.unwrap();
    }
    client.eks("POST", path, &wanted).await.unwrap();
    let failed = eks_status(aws, group, "CREATE_FAILED").await;
    let why = failed["health"]["issues"][0]["message"].as_str().unwrap();
    assert!(why.contains("no route to 0.0.0.0/0"), "{why}");
    client.eks("DELETE", group, &Value::Null).await.unwrap();
    eks_status(aws, group, "gone").await;

    let igw = ec2(aws, "CreateInternetGateway", &[], "internetGatewayId").await;
    let pair = [("InternetGatewayId", igw.as_str()), ("VpcId", vpc.id.as_str())];
    must(aws, "AttachInternetGateway", &pair).await;
    let (gateway, _) = nat(aws, &vpc.public[0]).await;
    nat_state(aws, &gateway, "available").await;
    let table = ec2(aws, "CreateRouteTable", &[("VpcId", &vpc.id)], "routeTableId").await;
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("NatGatewayId", gateway.as_str()),
    ];
    must(aws, "CreateRoute", &route).await;
    for subnet in &vpc.private {
        let params = [("RouteTableId", table.as_str()), ("SubnetId", subnet.as_str())];
        must(aws, "AssociateRouteTable", &params).await;
    }
    client.eks("POST", path, &wanted).await.unwrap();
    eks_status(aws, group, "ACTIVE").await;
    assert_eq!(started.nodes.lock().unwrap().len(), 2);

    // And down: node group, cluster, subnets.
    eks_refused(aws, "DELETE", "/clusters/c", Value::Null, "ResourceInUseException").await;
    ec2_refused(aws, "DeleteSubnet", &[("SubnetId", &vpc.private[0])], "DependencyViolation").await;
    client.eks("DELETE", group, &Value::Null).await.unwrap();
    eks_refused(aws, "DELETE", "/clusters/c", Value::Null, "ResourceInUseException").await;
    eks_status(aws, group, "gone").await;
    assert_eq!(started.nodes.lock().unwrap().len(), 0);
    client.eks("DELETE", "/clusters/c", &Value::Null).await.unwrap();
    eks_status(aws, "/clusters/c", "DELETING").await;
    ec2_refused(aws, "DeleteSubnet", &[("SubnetId", &vpc.private[0])], "DependencyViolation").await;
    eks_status(aws, "/clusters/c", "gone").await;
    must(aws, "DeleteSubnet", &[("SubnetId", &vpc.private[0])]).await;
    let left = aws.inventory().await.unwrap();
    assert!(left.iter().all(|resource| resource.service != "eks"), "{left:?}");
    assert!(left.iter().all(|resource| resource.kind != "security-group"), "{left:?}");
}
