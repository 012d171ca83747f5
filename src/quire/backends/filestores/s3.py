"""Files in a bucket of whatever speaks S3: django-storages' storage, with bounded memory, few retries and our errors.

One client serves all threads of a process, since each web request has a thread of its own and a client takes 100 ms
to make. Up and down, large files go in parts, of which few are held at once.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import IO, Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.files.base import File
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from quire.backends.filestores.s3_errors import UNAVAILABLE, our_errors
from quire.core.errors import TransientError

MB = 2**20
PART_BYTES = 8 * MB
PARTS_AT_ONCE = 4
PIECE_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 30
TRIES = 3
CLIENT_CONFIG = Config(
    signature_version="s3v4",  # what links are signed with too: other servers know no older one
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    retries={"mode": "standard", "total_max_attempts": TRIES},
    max_pool_connections=16,
    tcp_keepalive=True,
)
LINK_EXPIRES_S = 60
"""A link is followed at once; one that leaks is soon worth nothing. What has begun to come goes on."""


class S3FileStore(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """A Django storage that also follows `FileStore`. Options are django-storages' own, such as `bucket_name`.

    Credentials that are not given are looked for as boto3 does: environment, profile, role of the machine.
    """

    def __init__(self, *, hands_out_links: bool = True, **options: Any) -> None:
        self._hands_out_links = hands_out_links
        self._lock = threading.Lock()
        self._made: tuple[int, Any] | None = None
        super().__init__(**{"client_config": CLIENT_CONFIG, "transfer_config": _transfer_config(), **options})

    @property
    def connection(self) -> Any:
        """The process's own: after a fork a child makes another, since sockets cannot be shared."""
        with self._lock:
            if self._made is None or self._made[0] != os.getpid():
                with our_errors():
                    self._made = os.getpid(), self._make_connection()
            return self._made[1]

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)  # anew: threads share the client, never a resource

    def reach(self) -> None:
        with our_errors():
            try:
                self._client.head_bucket(Bucket=self.bucket_name)
            except ClientError as error:
                if error.response["Error"]["Code"] == "404":  # a HEAD does not say what it misses
                    raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "HeadBucket") from error
                raise

    def download(self, name: str, target: IO[bytes]) -> None:
        with our_errors():
            try:
                self._client.download_fileobj(*self._place(name), target, Config=self.transfer_config)
            except ClientError as error:
                self._tell_bucket_from_object(error)
                raise

    def link(self, name: str, *, file_name: str) -> str | None:
        """Good for a minute. A bucket cannot answer with `nosniff`, hence it is bytes to save and nothing else."""
        if not self._hands_out_links:
            return None
        self._head(name)  # rather a sentence from us than XML from the bucket
        answer = {
            "ResponseContentDisposition": content_disposition_header(as_attachment=True, filename=file_name),
            "ResponseContentType": "application/octet-stream",
            "ResponseCacheControl": "private, no-store",
        }
        with our_errors():
            return str(self.url(name, parameters=answer, expire=LINK_EXPIRES_S))

    def walk(self) -> Iterator[tuple[str, datetime]]:
        start = f"{self.location.strip('/')}/" if self.location else ""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=start)
        with our_errors():
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"].removeprefix(start), entry["LastModified"]

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError), our_errors():
            bucket, key = self._place(name)
            self._client.delete_object(Bucket=bucket, Key=key)

    def exists(self, name: str) -> bool:
        with our_errors():
            return bool(super().exists(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with our_errors():
            folders, files = super().listdir(name)
            return folders, files

    def size(self, name: str) -> int:
        return int(self._head(name)["ContentLength"])

    def get_modified_time(self, name: str) -> datetime:
        modified: datetime = self._head(name)["LastModified"]
        return modified

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """Read as it comes, from the beginning to the end: nothing is kept."""
        if mode != "rb":
            raise ValueError("a file in a bucket is written by save() and read as bytes")
        bucket, key = self._place(name)
        with our_errors():
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        return File(io.BufferedReader(_Body(body), PIECE_BYTES), name=name)

    def _save(self, name: str, content: File[bytes]) -> str:
        with our_errors():
            saved = str(super()._save(name, content))
        if (held := self.size(saved)) != content.size:
            message = f"The file storage keeps {held} bytes of a file of {content.size}."
            raise TransientError(message, code=UNAVAILABLE)
        return saved

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _place(self, name: str) -> tuple[str, str]:
        return self.bucket_name, self._normalize_name(name)

    def _head(self, name: str) -> dict[str, Any]:
        bucket, key = self._place(name)
        with our_errors():
            try:
                answer: dict[str, Any] = self._client.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                self._tell_bucket_from_object(error)
                raise
            return answer

    def _tell_bucket_from_object(self, error: ClientError) -> None:
        """The answer to a HEAD does not say which of the two is missing."""
        if error.response["Error"]["Code"] == "404":
            self.reach()

    def _make_connection(self) -> Any:
        # Keys that are None leave the choice to boto3, which refreshes those of a role.
        session = boto3.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.security_token if self.access_key else None,
            profile_name=self.session_profile,
        )
        return session.resource(
            "s3",
            region_name=self.region_name,
            use_ssl=self.use_ssl,
            endpoint_url=self.endpoint_url,
            config=self.client_config,
            verify=self.verify,
        )


class _Body(io.RawIOBase):
    """An answer's body, which knows when it was cut short."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with our_errors():
            piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._body.close()
        super().close()


def _transfer_config() -> TransferConfig:
    config = TransferConfig(
        multipart_threshold=2 * PART_BYTES,
        multipart_chunksize=PART_BYTES,
        max_concurrency=PARTS_AT_ONCE,
        num_download_attempts=TRIES,
        max_io_queue=16,
        io_chunksize=PIECE_BYTES,
    )
    config.max_in_memory_upload_chunks = PARTS_AT_ONCE  # boto3 has no name for it; s3transfer reads it
    return config
