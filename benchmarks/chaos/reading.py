"""Reads what Quire keeps past Quire: rows by plain SQL, and the files, wherever its settings have them.

Rows look alike from both databases: ids are 32 hexadecimal digits, timestamps text in UTC, JSON text.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import boto3
import httpx
import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

SQLITE = "quire.sqlite3"
FOLDER = "files"


class Database(Protocol):
    """`?` stands for a value in SQL."""

    owners: ClassVar[Mapping[str, str]]
    """Tables of the two searches, and how SQL calls the run that a row of each belongs to."""
    row_id: ClassVar[str]
    """What is another once a row was written again."""

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]: ...

    def make_a_day_older(self, table: str, column: str) -> None: ...


class Files(Protocol):
    """The files of all tenants, by storage key."""

    def keys(self) -> set[str]: ...

    def make_older(self, *, seconds: float) -> None:
        """As if each had been written so much earlier."""


def database(settings: Mapping[str, str], data_dir: Path) -> Database:
    url = settings.get("DATABASE_URL", "")
    return Postgres(url) if url else SqliteFile(data_dir / SQLITE)


def files(settings: Mapping[str, str], data_dir: Path) -> Files:
    return Bucket(settings) if settings.get("AWS_STORAGE_BUCKET_NAME") else Folder(data_dir / FOLDER)


@dataclass(frozen=True, slots=True)
class SqliteFile:
    path: Path

    owners: ClassVar = {"quire_vector_block": "lower(hex(ingestion))", "quire_keyword": "lower(hex(ingestion))"}
    row_id: ClassVar = "rowid"

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with closing(self.connect(mode="ro")) as connection:
            return [dict(row) for row in connection.execute(sql, values)]

    def make_a_day_older(self, table: str, column: str) -> None:
        with closing(self.connect()) as connection, connection:
            connection.execute(f"UPDATE {table} SET {column} = datetime({column}, '-1 day')")  # noqa: S608 - our own words

    def connect(self, *, mode: str = "rw") -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{self.path}?mode={mode}", uri=True, timeout=60)
        connection.row_factory = sqlite3.Row
        return connection


@dataclass(frozen=True, slots=True)
class Postgres:
    """Each call has a connection of its own: the server may have been restarted meanwhile."""

    url: str

    owners: ClassVar = {"quire_vector": "ingestion", "quire_keyword": "ingestion"}
    row_id: ClassVar = "xmin::text"

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, options="-c TimeZone=UTC", row_factory=dict_row) as connection:
            connection.read_only = True
            connection.adapters.register_loader("uuid", _HexLoader)
            for name in ("timestamptz", "json", "jsonb"):
                connection.adapters.register_loader(name, TextLoader)
            return connection.execute(_sql(sql), values or None).fetchall()

    def make_a_day_older(self, table: str, column: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(_sql(f"UPDATE {table} SET {column} = {column} - interval '1 day'"))  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    def keys(self) -> set[str]:
        return {str(path.relative_to(self.path)) for path in self._paths()}

    def make_older(self, *, seconds: float) -> None:
        then = time.time() - seconds
        for path in self._paths():
            os.utime(path, (then, then))

    def _paths(self) -> list[Path]:
        return [path for path in self.path.rglob("*") if path.is_file()]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Of a server of `benchmarks.chaos.bucket`, as settings of Quire's name it."""

    settings: Mapping[str, str]

    def keys(self) -> set[str]:
        client = boto3.client(
            "s3",
            endpoint_url=self.settings["AWS_S3_ENDPOINT_URL"],
            region_name=self.settings["AWS_S3_REGION_NAME"],
            aws_access_key_id=self.settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.settings["AWS_SECRET_ACCESS_KEY"],
        )
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.settings["AWS_STORAGE_BUCKET_NAME"])
        return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def make_older(self, *, seconds: float) -> None:
        url = f"{self.settings['AWS_S3_ENDPOINT_URL']}/_chaos/older"
        httpx.post(url, params={"seconds": seconds}, trust_env=False).raise_for_status()


class _HexLoader(Loader):
    def load(self, data: Buffer) -> str:
        return bytes(data).decode().replace("-", "")


def _sql(text: str) -> Any:
    """As psycopg wants it."""
    return text.replace("?", "%s")
