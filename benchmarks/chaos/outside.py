"""Stand-ins for S3, Gemini and Pinecone in a process of their own: `python -m benchmarks.chaos.outside PINECONE_URL`.

Prints the port of each as JSON once all listen, and ends with its standard input. `PINECONE_URL` is where Pinecone's
index says that it is found, so that its own data can be reached through a relay.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import ExitStack

import boto3
from moto.server import ThreadedMotoServer

from quire.testing import gemini_server, model_server, pinecone_server
from quire.testing.pinecone.control import Project

BUCKET, REGION, KEY_ID, SECRET = "quire", "eu-central-1", "AKIATESTTESTTESTTEST", "a-secret-of-the-tests"


def serve(pinecone_url: str) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with ExitStack() as running:
        pinecone = running.enter_context(pinecone_server.serving())
        pinecone.project = Project(host=pinecone_url)
        gemini = running.enter_context(model_server.serving(gemini_server.GeminiServer()))
        s3 = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        s3.start()
        running.callback(s3.stop)
        port = s3.get_host_and_port()[1]
        make_bucket(port)
        ports = {"s3": port, "gemini": gemini.server_address[1], "pinecone": pinecone.server_address[1]}
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


def make_bucket(port: int) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})


if __name__ == "__main__":
    serve(sys.argv[1])
