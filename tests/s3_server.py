"""A server that speaks S3 (moto's), over real HTTP on a free port, shared by the tests of one process.

It believes any signature and takes objects of any size: what is to be refused, Quire has to refuse.
"""

from __future__ import annotations

import atexit
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
KEY_ID, SECRET = "AKIATESTTESTTESTTEST", "a-secret-of-the-tests"


@cache
def server_url() -> str:
    """Where it listens; started at the first call."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def new_bucket() -> str:
    """The name of a bucket that is empty and nobody else's."""
    name = f"quire-{uuid.uuid4()}"
    client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def environment(bucket: str, *, url: str = "") -> dict[str, str]:
    """What has Quire keep its files there, reached at `url` where that is another than the server's own."""
    return {
        "AWS_STORAGE_BUCKET_NAME": bucket,
        "AWS_S3_ENDPOINT_URL": url or server_url(),
        "AWS_S3_REGION_NAME": REGION,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


@cache
def client() -> Any:
    """boto3's own, to look at what is there."""
    return boto3.client(
        "s3",
        endpoint_url=server_url(),
        region_name=REGION,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
    )


def keys(bucket: str) -> list[str]:
    """Of all objects there, in order."""
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def unfinished(bucket: str) -> list[str]:
    """Keys of uploads in parts that were begun and neither completed nor aborted."""
    return [upload["Key"] for upload in client().list_multipart_uploads(Bucket=bucket).get("Uploads", ())]


def make_older(bucket: str, key: str, *, seconds: float) -> None:
    """As if the object had been written earlier, which no client can say."""
    held = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys[key]
    held.last_modified -= timedelta(seconds=seconds)
