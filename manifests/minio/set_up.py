"""Makes a new MinIO fit for KFP and detloop: two buckets, and a user for each who may do there what it must.

The image set is not KFP's to change, and its artifacts are not the steps' to read past it: KFP's user writes mlpipeline
and nothing else; the steps' user reads detloop, writes champions there, and keeps in mlpipeline what a detection has
found so far, next to its output. Keys come from the environment.
"""

import os
from urllib.parse import urlsplit

from minio import Minio, MinioAdmin
from minio.credentials import StaticProvider
from urllib3 import PoolManager, Retry, Timeout

ARTIFACTS, IMAGES = "mlpipeline", "detloop"
CHAMPIONS, UNFINISHED = f"{IMAGES}/champions/*", f"{ARTIFACTS}/*/unfinished/*"
LIST = ["s3:GetBucketLocation", "s3:ListBucket"]
READ = ["s3:GetObject"]
WRITE = [
    *("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
]
PATIENCE = Retry(total=20, backoff_factor=0.5, backoff_max=5, status_forcelist=(503,), allowed_methods=None)
"""The server may still be starting, or its name not yet known: about a minute and a half."""


def main() -> None:
    endpoint = urlsplit(os.environ["MINIO_ENDPOINT"])
    root = StaticProvider(os.environ["MINIO_ROOT_USER"], os.environ["MINIO_ROOT_PASSWORD"])
    http_client = PoolManager(retries=PATIENCE, timeout=Timeout(connect=5, read=30))
    reached = {"credentials": root, "secure": endpoint.scheme == "https", "http_client": http_client}
    make_buckets(Minio(endpoint.netloc, **reached))
    admin = MinioAdmin(endpoint=endpoint.netloc, **reached)
    make_user(
        admin,
        "KFP",
        "kfp-artifacts",
        policy(([*LIST, "s3:ListBucketMultipartUploads"], ARTIFACTS), (READ + WRITE, f"{ARTIFACTS}/*")),
    )
    make_user(
        admin,
        "IMAGES",
        "detloop-images",
        policy(
            (LIST, IMAGES), (READ, f"{IMAGES}/*"), (WRITE, CHAMPIONS), (LIST, ARTIFACTS), (READ + WRITE, UNFINISHED)
        ),
    )


def make_buckets(client: Minio) -> None:
    for bucket in (ARTIFACTS, IMAGES):
        if not client.bucket_exists(bucket):
            client.make_bucket(bucket)
        print(f"bucket {bucket} is there")


def policy(*allowed: tuple[list[str], str]) -> dict[str, object]:
    """What a user may do, and to which bucket or objects, in S3's own language of policies."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{resource}"]}
            for actions, resource in allowed
        ],
    }


def make_user(admin: MinioAdmin, variables: str, policy_name: str, allowed: dict[str, object]) -> None:
    """A user with the keys of {variables}_ACCESS_KEY and {variables}_SECRET_KEY and this policy alone."""
    access_key = os.environ[f"{variables}_ACCESS_KEY"]
    admin.policy_add(policy_name, policy=allowed)
    admin.user_add(access_key, os.environ[f"{variables}_SECRET_KEY"])
    admin.policy_set(policy_name, user=access_key)
    print(f"user {access_key} has the policy {policy_name}")


if __name__ == "__main__":
    main()
