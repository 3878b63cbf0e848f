"""Logs in with a web identity token as a pod does: botocore finds everything in the environment.

Arguments: the endpoint, and a file to write the caller's ARN to.
"""

import sys

import boto3

ENDPOINT, OUT = sys.argv[1:3]

sts = boto3.client("sts", endpoint_url=ENDPOINT, region_name="eu-west-1")
arn = sts.get_caller_identity()["Arn"]
with open(OUT, "w", encoding="utf-8") as out:
    out.write(arn)
