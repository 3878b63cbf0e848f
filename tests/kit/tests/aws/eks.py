"""Drives every EKS call that the stand-in serves with botocore, which checks the shapes.

Arguments: the endpoint, and a file to write a JSON summary to.
"""

import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, OUT = sys.argv[1:3]
REGION = "eu-west-1"
KEYS = {
    "aws_access_key_id": "AKIACAPSTANKITROOT00",
    "aws_secret_access_key": "capstan-kit-root-secret-0000000000000000",
}
CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=True)


def client(service):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=REGION, config=CONFIG, **KEYS)


EC2, IAM, EKS, STS = client("ec2"), client("iam"), client("eks"), client("sts")
QUICK = {"Delay": 1, "MaxAttempts": 60}


def refused(code, call, **params):
    """The call fails with a modelled error of this name, which carries its members."""
    try:
        call(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["Error"]["Message"], error
        return error
    raise AssertionError(f"{call} was accepted, want {code}")


def trust(service):
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
        }],
    })


def role(name, service, policies):
    arn = IAM.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"]
    for policy in policies:
        IAM.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return arn


def network():
    vpc = EC2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    igw = EC2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    EC2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    subnets = []
    for index, zone in enumerate("abab"):
        subnet = EC2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.20.{index}.0/24", AvailabilityZone=f"{REGION}{zone}",
            TagSpecifications=[{
                "ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": f"s{index}"}],
            }],
        )["Subnet"]
        subnets.append(subnet["SubnetId"])
    address = EC2.allocate_address(Domain="vpc")["AllocationId"]
    nat = EC2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]
    assert nat["State"] == "pending", nat
    waiter = EC2.get_waiter("nat_gateway_available")
    waiter.wait(NatGatewayIds=[nat["NatGatewayId"]], WaiterConfig=QUICK)
    table = EC2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    EC2.create_route(
        RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])
    for subnet in subnets[2:]:
        EC2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return subnets, nat["NatGatewayId"], table


def updated(update, **where):
    """Waits until an update has ended well."""
    for _ in range(200):
        found = EKS.describe_update(updateId=update["id"], name="c", **where)["update"]
        if found["status"] == "Successful":
            return found
        assert found["status"] == "InProgress", found
        time.sleep(0.05)
    raise AssertionError(f"{update} did not end")


def clusters(subnets):
    arn = role("cluster", "eks.amazonaws.com", ["AmazonEKSClusterPolicy"])
    refused("ResourceNotFoundException", EKS.describe_cluster, name="c")
    wanted = {
        "name": "c", "version": "1.30", "roleArn": arn, "clientRequestToken": "t" * 32,
        "resourcesVpcConfig": {"subnetIds": subnets, "endpointPublicAccess": True},
        "tags": {"a": "1"},
    }
    made = EKS.create_cluster(**wanted)["cluster"]
    assert made["status"] == "CREATING", made
    assert EKS.create_cluster(**wanted)["cluster"]["arn"] == made["arn"]
    refused("InvalidParameterException", EKS.create_cluster, **{**wanted, "version": "1.31"})
    error = refused("ResourceInUseException", EKS.create_cluster,
                    **{**wanted, "clientRequestToken": "u" * 32})
    assert error.response["clusterName"] == "c", error.response
    refused("InvalidParameterException", EKS.create_cluster,
            **{**wanted, "name": "d", "clientRequestToken": "v", "version": "0.9"})
    EKS.get_waiter("cluster_active").wait(name="c", WaiterConfig=QUICK)
    cluster = EKS.describe_cluster(name="c")["cluster"]
    for key in ["endpoint", "platformVersion", "createdAt"]:
        assert cluster[key], (key, cluster)
    assert cluster["certificateAuthority"]["data"]
    assert cluster["identity"]["oidc"]["issuer"].startswith(f"https://oidc.eks.{REGION}.")
    assert cluster["resourcesVpcConfig"]["vpcId"].startswith("vpc-")
    assert cluster["resourcesVpcConfig"]["clusterSecurityGroupId"].startswith("sg-")
    assert EKS.list_clusters()["clusters"] == ["c"]
    assert EKS.describe_cluster_versions()["clusterVersions"]
    assert EKS.list_addons(clusterName="c")["addons"] == []
    assert EKS.list_fargate_profiles(clusterName="c")["fargateProfileNames"] == []
    return cluster


def cluster_updates():
    update = EKS.update_cluster_config(
        name="c", resourcesVpcConfig={"endpointPrivateAccess": True})["update"]
    assert update["type"] == "EndpointAccessUpdate", update
    assert EKS.describe_cluster(name="c")["cluster"]["status"] == "UPDATING"
    refused("ResourceInUseException", EKS.update_cluster_version, name="c", version="1.31")
    assert updated(update)["createdAt"]
    refused("InvalidParameterException", EKS.update_cluster_config, name="c",
            resourcesVpcConfig={"endpointPrivateAccess": True})
    refused("InvalidParameterException", EKS.update_cluster_version, name="c", version="1.32")
    updated(EKS.update_cluster_version(name="c", version="1.31")["update"])
    assert EKS.describe_cluster(name="c")["cluster"]["version"] == "1.31"
    logging = {"clusterLogging": [{"types": ["api"], "enabled": True}]}
    updated(EKS.update_cluster_config(name="c", logging=logging)["update"])
    assert len(EKS.list_updates(name="c")["updateIds"]) == 3
    refused("ResourceNotFoundException", EKS.describe_update, name="c", updateId="none")


def tags(arn):
    EKS.tag_resource(resourceArn=arn, tags={"b": "2", "c": "3"})
    EKS.untag_resource(resourceArn=arn, tagKeys=["a", "c"])
    assert EKS.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def nodegroups(subnets):
    arn = role("nodes", "ec2.amazonaws.com", [
        "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly",
    ])
    wanted = {
        "clusterName": "c", "nodegroupName": "n", "nodeRole": arn, "subnets": subnets,
        "clientRequestToken": "w" * 32, "version": "1.30", "labels": {"l": "1"},
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 2},
        "taints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}], "tags": {"a": "1"},
    }
    made = EKS.create_nodegroup(**wanted)["nodegroup"]
    assert EKS.create_nodegroup(**wanted)["nodegroup"]["nodegroupArn"] == made["nodegroupArn"]
    refused("ResourceInUseException", EKS.create_nodegroup, **{**wanted, "clientRequestToken": "x"})
    refused("InvalidParameterException", EKS.create_nodegroup,
            **{**wanted, "nodegroupName": "m", "clientRequestToken": "y", "version": "1.33"})
    waiter = EKS.get_waiter("nodegroup_active")
    waiter.wait(clusterName="c", nodegroupName="n", WaiterConfig=QUICK)
    group = EKS.describe_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]
    assert group["resources"]["autoScalingGroups"][0]["name"], group
    assert group["health"]["issues"] == [], group
    assert EKS.list_nodegroups(clusterName="c")["nodegroups"] == ["n"]
    refused("ResourceNotFoundException", EKS.describe_nodegroup, clusterName="c", nodegroupName="x")
    tags(made["nodegroupArn"])

    update = EKS.update_nodegroup_config(
        clusterName="c", nodegroupName="n", scalingConfig={"desiredSize": 3},
        labels={"addOrUpdateLabels": {"m": "2"}, "removeLabels": ["l"]})["update"]
    updated(update, nodegroupName="n")
    updated(EKS.update_nodegroup_version(clusterName="c", nodegroupName="n")["update"],
            nodegroupName="n")
    refused("InvalidParameterException", EKS.update_nodegroup_version, clusterName="c",
            nodegroupName="n", version="1.31", releaseVersion="1.30.0-20260101")
    group = EKS.describe_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]
    assert group["scalingConfig"]["desiredSize"] == 3 and group["labels"] == {"m": "2"}, group
    assert group["version"] == "1.31", group
    assert len(EKS.list_updates(name="c", nodegroupName="n")["updateIds"]) == 2


def down(nat):
    refused("ResourceInUseException", EKS.delete_cluster, name="c")
    gone = EKS.delete_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]
    assert gone["status"] == "DELETING", gone
    waiter = EKS.get_waiter("nodegroup_deleted")
    waiter.wait(clusterName="c", nodegroupName="n", WaiterConfig=QUICK)
    assert EKS.delete_cluster(name="c")["cluster"]["status"] == "DELETING"
    EKS.get_waiter("cluster_deleted").wait(name="c", WaiterConfig=QUICK)
    EC2.delete_nat_gateway(NatGatewayId=nat)
    waiter = EC2.get_waiter("nat_gateway_deleted")
    waiter.wait(NatGatewayIds=[nat], WaiterConfig=QUICK)


def routes(table):
    found = EC2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route["DestinationCidrBlock"]: route["State"] for route in found}


def main():
    assert STS.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:root"
    subnets, nat, table = network()
    assert routes(table)["0.0.0.0/0"] == "active"
    cluster = clusters(subnets)
    tags(cluster["arn"])
    cluster_updates()
    nodegroups(subnets[2:])
    down(nat)
    assert routes(table)["0.0.0.0/0"] == "blackhole"
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump({"ok": True, "botocore": boto3.__version__}, out)


main()
