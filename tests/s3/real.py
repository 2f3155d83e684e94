#!/usr/bin/env python3
"""A real S3 server for check-s3.sh: moto's, with its own checking of signatures and policies
switched on. Loads a folder into a bucket by boto3, makes a user who may read and write it, and
prints "PORT ACCESS SECRET". When standard input is closed, writes every object of the bucket below
DUMP.

    real.py ROOT BUCKET DUMP
"""
import json, os, sys

root, bucket, dump = sys.argv[1:]
files = [os.path.join(folder, f) for folder, _, names in os.walk(root) for f in names]
# After so many calls (below) every further one must be signed by a user whom a policy allows it.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(1 + len(files) + 3)

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
place = dict(endpoint_url=f"http://{host}:{port}", region_name="us-east-1",
             aws_access_key_id="setup", aws_secret_access_key="setup")
plain = Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"})
s3, iam = boto3.client("s3", config=plain, **place), boto3.client("iam", **place)
s3.create_bucket(Bucket=bucket)
for f in files:
    with open(f, "rb") as h:
        s3.put_object(Bucket=bucket, Key=os.path.relpath(f, root), Body=h.read())
iam.create_user(UserName="clinic")
policy = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow",
        "Action": ["s3:*"],
        "Resource": "*"
    }]
}
iam.put_user_policy(UserName="clinic", PolicyName="all", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="clinic")["AccessKey"]
print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.buffer.read()

place.update(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
s3 = boto3.client("s3", config=plain, **place)
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
    for o in page.get("Contents", []):
        path = os.path.join(dump, o["Key"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as h:
            h.write(s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read())
os._exit(0)
