"""Files in a bucket, over real HTTP: whole, checked and in bounded memory, and what fails is one of our errors."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from botocore.config import Config
from django.core.files.base import ContentFile
from tests import s3_server
from tests.fault_proxy import Fault, Proxy, proxy_before

from quire.backends.filestores.s3 import CLIENT_CONFIG, PART_BYTES, S3FileStore
from quire.core.errors import PermanentError, QuireError, RateLimited, TransientError

TEXT = b"Nutmeg grows on Banda. " * 100
LARGE = os.urandom(1 << 20) * 20
"""More than the two parts from which on files go in parts."""


@pytest.fixture(scope="session")
def bucket() -> str:
    return s3_server.new_bucket()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxy_before(s3_server.server_url()) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: Proxy, bucket: str) -> S3FileStore:
    return make_store(proxy.url, bucket)


def make_store(url: str, bucket: str, **options: Any) -> S3FileStore:
    given = {"access_key": s3_server.KEY_ID, "secret_key": s3_server.SECRET, "region_name": s3_server.REGION}
    return S3FileStore(bucket_name=bucket, endpoint_url=url, **(given | options))


def downloaded(store: S3FileStore, name: str) -> bytes:
    target = io.BytesIO()
    store.download(name, target)
    return target.getvalue()


def test_what_was_saved_is_read_looked_at_and_deleted(store: S3FileStore) -> None:
    name = store.save("tenant/one", ContentFile(TEXT))
    with store.open(name) as file:
        assert file.read() == TEXT == downloaded(store, name)
    assert (store.exists(name), store.size(name)) == (True, len(TEXT))
    assert dict(store.walk())[name] == store.get_modified_time(name)
    store.delete(name)
    store.delete(name)  # again is no error
    assert not store.exists(name)
    assert name not in dict(store.walk())


def test_a_large_file_goes_up_and_down_in_parts(store: S3FileStore, proxy: Proxy) -> None:
    name = store.save("tenant/large", ContentFile(LARGE))
    parts = [request for request in proxy.requests if request.startswith("PUT") and "partNumber" in request]
    assert len(parts) == -(-len(LARGE) // PART_BYTES)
    proxy.requests.clear()
    assert downloaded(store, name) == LARGE
    assert len([request for request in proxy.requests if request.startswith("GET")]) == len(parts)


def test_every_object_is_sent_with_a_checksum(store: S3FileStore, bucket: str) -> None:
    name = store.save("tenant/checked", ContentFile(TEXT))
    held = s3_server.client().head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
    assert held["ChecksumCRC32"]


def test_a_folder_of_the_bucket_keeps_apart_what_is_not_ours(proxy: Proxy, bucket: str) -> None:
    s3_server.client().put_object(Bucket=bucket, Key="others/thing", Body=b"")
    store = make_store(proxy.url, bucket, location="quire")
    name = store.save("tenant/one", ContentFile(TEXT))
    assert [key for key, _ in store.walk()] == [name] == ["tenant/one"]
    assert "quire/tenant/one" in s3_server.keys(bucket)


def test_walking_reads_page_by_page(proxy: Proxy) -> None:
    store = make_store(proxy.url, s3_server.new_bucket())
    names = [store.save(f"tenant/{number}", ContentFile(b"x")) for number in range(5)]
    proxy.adds["list-type=2"] = "max-keys=2"
    assert [key for key, _ in store.walk()] == names
    assert len([request for request in proxy.requests if "list-type=2" in request]) == 3


@pytest.mark.parametrize("happening", ["answer", "cut"])
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE", "HEAD"])
def test_what_fails_once_is_asked_again(store: S3FileStore, proxy: Proxy, method: str, happening: Any) -> None:
    proxy.faults = [Fault(happening=happening, times=1, method=method)]
    name = store.save("tenant/again", ContentFile(TEXT))
    with store.open(name) as file:
        assert file.read() == TEXT
    store.delete(name)
    assert not store.exists(name)
    assert proxy.faults[0].times == 0


@pytest.mark.parametrize(
    ("status", "code", "headers", "kind", "says"),
    [
        (503, "SlowDown", {}, TransientError, "SlowDown"),
        (500, "InternalError", {}, TransientError, "InternalError"),
        (400, "RequestTimeout", {}, TransientError, "RequestTimeout"),
        (400, "BadDigest", {}, TransientError, "BadDigest"),
        (503, "SlowDown", {"Retry-After": "7"}, RateLimited, "SlowDown"),
        (403, "AccessDenied", {}, PermanentError, "rights to list the bucket"),
        (403, "InvalidAccessKeyId", {}, PermanentError, "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", {}, PermanentError, "AWS_SECRET_ACCESS_KEY"),
        (403, "RequestTimeTooSkewed", {}, PermanentError, "clock"),
        (404, "NoSuchBucket", {}, PermanentError, "AWS_STORAGE_BUCKET_NAME"),
        (501, "NotImplemented", {}, PermanentError, "AWS_REQUEST_CHECKSUM_CALCULATION"),
    ],
)
def test_what_the_server_says_becomes_one_of_our_errors(
    store: S3FileStore, proxy: Proxy, status: int, code: str, headers: dict[str, str], kind: type, says: str
) -> None:
    proxy.faults = [Fault(happening="answer", status=status, code=code, headers=headers)]
    with pytest.raises(QuireError, match=says) as caught:
        store.save("tenant/refused", ContentFile(TEXT))
    assert type(caught.value) is kind
    assert caught.value.code == {TransientError: "storage_unavailable", RateLimited: "rate_limited"}.get(
        kind, "storage_refused"
    )
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after_s == 7


def test_a_server_that_is_not_there_is_transient(bucket: str) -> None:
    with pytest.raises(TransientError):
        make_store("http://127.0.0.1:9", bucket).save("tenant/one", ContentFile(TEXT))


def test_no_credentials_are_refused_with_what_to_do(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(PermanentError, match="AWS_ACCESS_KEY_ID"):
        make_store(s3_server.server_url(), bucket, access_key=None, secret_key=None).reach()


def test_a_missing_object_is_told_from_a_missing_bucket(store: S3FileStore, proxy: Proxy) -> None:
    nowhere = make_store(proxy.url, "no-such-bucket")
    for call in (downloaded, S3FileStore.size, S3FileStore.open, lambda at, name: at.link(name, file_name="a.txt")):
        with pytest.raises(FileNotFoundError):
            call(store, "tenant/none")
        with pytest.raises(PermanentError, match="AWS_STORAGE_BUCKET_NAME"):
            call(nowhere, "tenant/none")
    for probe in (nowhere.reach, lambda: list(nowhere.walk()), lambda: nowhere.delete("tenant/none")):
        with pytest.raises(PermanentError):
            probe()


@pytest.mark.parametrize("content", [TEXT, LARGE], ids=["small", "large"])
def test_an_upload_that_is_cut_each_time_keeps_nothing(proxy: Proxy, content: bytes) -> None:
    bucket = s3_server.new_bucket()
    proxy.faults = [Fault(happening="cut", method="PUT")]
    with pytest.raises(TransientError):
        make_store(proxy.url, bucket).save("tenant/cut", ContentFile(content))
    assert (s3_server.keys(bucket), s3_server.unfinished(bucket)) == ([], [])


def test_a_half_written_object_is_seen(store: S3FileStore, proxy: Proxy) -> None:
    proxy.faults = [Fault(happening="half written", method="PUT")]
    with pytest.raises(TransientError, match="keeps 1150 bytes of a file of 2300"):
        store.save("tenant/half", ContentFile(TEXT))


@pytest.mark.parametrize("content", [TEXT, LARGE], ids=["small", "large"])
def test_a_download_that_is_cut_goes_on(store: S3FileStore, proxy: Proxy, content: bytes) -> None:
    name = store.save("tenant/cut-down", ContentFile(content))
    proxy.faults = [Fault(happening="cut answer", method="GET", times=2)]
    assert downloaded(store, name) == content


@pytest.mark.parametrize("happening", ["cut answer", "slow"])
def test_a_download_that_never_ends_is_transient(proxy: Proxy, bucket: str, happening: Any) -> None:
    store = make_store(proxy.url, bucket, client_config=CLIENT_CONFIG.merge(Config(read_timeout=0.2)))
    name = store.save("tenant/broken", ContentFile(TEXT))
    proxy.faults = [Fault(happening=happening, method="GET")]
    with pytest.raises(TransientError):
        downloaded(store, name)
    with store.open(name) as file, pytest.raises(TransientError):
        file.read()


def test_a_link_gives_the_file_to_be_saved_under_its_name_and_shown_as_nothing(store: S3FileStore) -> None:
    name = store.save("tenant/linked", ContentFile(b"<script>alert(1)</script>"))
    link = store.link(name, file_name='Zimt "& Muskat; ü.html') or ""
    answer = httpx.get(link, trust_env=False)
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''Zimt%20%22%26%20Muskat%3B")
    asked = parse_qs(urlsplit(link).query)
    assert (asked["X-Amz-Expires"], asked["X-Amz-Algorithm"]) == (["60"], ["AWS4-HMAC-SHA256"])


def test_no_link_is_given_where_browsers_cannot_follow_it(proxy: Proxy, bucket: str) -> None:
    store = make_store(proxy.url, bucket, hands_out_links=False)
    assert store.link(store.save("tenant/one", ContentFile(TEXT)), file_name="a.txt") is None


def credential_of(store: S3FileStore) -> tuple[str, str]:
    """The key, and the session's token, that a request would be signed with."""
    store.save("tenant/signed", ContentFile(b"x"))
    asked = parse_qs(urlsplit(store.link("tenant/signed", file_name="x") or "").query)
    return asked["X-Amz-Credential"][0].split("/")[0], "".join(asked.get("X-Amz-Security-Token", []))


def test_keys_that_are_not_given_are_looked_for_as_boto3_does(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, none = s3_server.server_url(), {"access_key": None, "secret_key": None}
    profiles = tmp_path / "credentials"
    profiles.write_text("[spice]\naws_access_key_id = OF-A-PROFILE\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profiles))
    monkeypatch.setenv("AWS_PROFILE", "spice")
    assert credential_of(make_store(url, bucket, **none)) == ("OF-A-PROFILE", "")
    monkeypatch.delenv("AWS_PROFILE")
    for name, value in {"ACCESS_KEY_ID": "TEMPORARY", "SECRET_ACCESS_KEY": "x", "SESSION_TOKEN": "a-token"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    assert credential_of(make_store(url, bucket, **none)) == ("TEMPORARY", "a-token")
    assert credential_of(make_store(url, bucket, access_key="TEMPORARY", secret_key="x")) == ("TEMPORARY", "a-token")


def test_all_threads_of_a_process_share_one_client(store: S3FileStore) -> None:
    seen: list[Any] = []
    threads = [threading.Thread(target=lambda: seen.append(store.connection)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(connection) for connection in seen} == {id(store.connection)}


BOUNDED = """
import pathlib, re, sys, tempfile
import django
from django.conf import settings
settings.configure()
django.setup()
from django.core.files import File
from quire.backends.filestores.s3 import S3FileStore
url, bucket, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = S3FileStore(bucket_name=bucket, endpoint_url=url, access_key="a", secret_key="b", region_name="eu-central-1")
peak_mb = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
with tempfile.TemporaryFile() as small:
    small.write(b"x")
    store.save("tenant/small", File(small, name="small"))
before = peak_mb()
with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as copy:
    file.truncate(megabytes * 2**20)
    name = store.save("tenant/large", File(open(file.name, "rb")))
    up = peak_mb()
    store.download(name, copy)
    print(up - before, peak_mb() - before, copy.seek(0, 2) // 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process's own peak is read from /proc")
def test_memory_does_not_grow_with_the_file() -> None:
    command = [sys.executable, "-c", BOUNDED, s3_server.server_url(), s3_server.new_bucket(), "96"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    up_mb, all_mb, came_mb = map(int, done.stdout.split())
    assert came_mb == 96
    assert (up_mb < 70, all_mb < 70) == (True, True), done.stdout
