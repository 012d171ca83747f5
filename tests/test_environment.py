"""What the environment may say, and what a person is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import kombu.utils.url
import pytest
import redis.connection

from quire.environment import MAX_SOCKET_PATH_BYTES, SettingsError, read


def test_nothing_needs_to_be_set() -> None:
    assert read({}).data_dir == Path("data")


def test_a_wrong_value_says_which_variable_and_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"QUIRE_LEASE_S is '-1': must be above 0\. Set QUIRE_LEASE_S right"):
        read({"QUIRE_LEASE_S": "-1"})


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read({"QUIRE_OCR": "eyes", "REDIS_URL": "ftp://x"})
    assert "QUIRE_OCR" in str(caught.value)
    assert "REDIS_URL" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"QUIRE_LEASE_S": "5", "QUIRE_HEARTBEAT_S": "10"},
        {"QUIRE_PARSER_PAGE_S": "280"},
        {"QUIRE_STALL_S": "150"},
        {"QUIRE_CHUNK_TOKENS": "10", "QUIRE_CHUNK_OVERLAP_TOKENS": "50"},
        {"QUIRE_CHUNK_OVERLAP_TOKENS": "-5"},
        {"QUIRE_WORKER_CONCURRENCY": "-1"},
        {"QUIRE_PUBLIC_URL": "docs.example.org"},
        {"DATABASE_URL": "foo://x"},
        {"QUIRE_MAX_DOCUMENTS": "-1"},
        {"QUIRE_OCR": "eyes"},
        {"QUIRE_EMBEDDER": "gemini", "GEMINI_API_KEY": "key", "QUIRE_EMBEDDING_DIMENSIONS": "384"},
        {"QUIRE_OIDC_ISSUER": "https://id.example.org"},
        {"QUIRE_OIDC_ISSUER": "http://id.example.org", "QUIRE_OIDC_CLIENT_ID": "a", "QUIRE_OIDC_CLIENT_SECRET": "b"},
        {"QUIRE_OIDC_NEWCOMERS": "join"},
    ],
)
def test_what_cannot_work_is_refused_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"Set (QUIRE_\w+|DATABASE_URL) right"):
        read(wrong)


def test_a_secret_is_read_from_a_mounted_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    assert read({"QUIRE_SECRET_KEY_FILE": str(secret)}).secret_key == "from a file"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"QUIRE_SECRET_KEY_FILE names .*gone.*cannot be read"):
        read({"QUIRE_SECRET_KEY_FILE": str(tmp_path / "gone")})


@pytest.mark.parametrize(
    ("url", "for_redis", "for_celery"),
    [
        ("redis://cache:6379", "redis://cache:6379/1", "redis://cache:6379/1"),
        ("redis://cache:6379/0", "redis://cache:6379/1", "redis://cache:6379/1"),
        ("rediss://:pw@cache", "rediss://:pw@cache/1", "rediss://:pw@cache/1"),
        ("redis://ada:p%2Fw%23@cache/", "redis://ada:p%2Fw%23@cache/1", "redis://ada:p%2Fw%23@cache/1"),
        ("rediss://c?ssl_ca_certs=/ca.pem", "rediss://c/1?ssl_ca_certs=%2Fca.pem", "rediss://c/1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=1", "redis+socket:///run/redis.sock?virtual_host=1"),
        ("unix://:pw@/r.sock", "unix://:pw@/r.sock?db=1", "redis+socket://:pw@/r.sock?virtual_host=1"),
    ],
)
def test_one_redis_url_serves_redis_and_celery(url: str, for_redis: str, for_celery: str) -> None:
    env = read({"REDIS_URL": url})
    assert (env.redis(1), env.celery(1)) == (for_redis, for_celery)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://cache", "must begin with redis://"),
        ("redis://", "names no host"),
        ("redis://cache:6379/3", "names a database or a path"),
        ("redis://:hidden#1@cache", "holds a #"),
        ("redis://:hidden/1@cache", "a port that is no number"),
        ("redis://cache?ssl_ca_certs=/ca.pem", "needs rediss://"),
        ("rediss://cache?ssl_cert_reqs=never", "none of required, none"),
        ("rediss://cache?timeout=3", "has the option timeout"),
        ("unix://run/redis.sock", "the socket's whole path"),
        ("unix:///run/redis.sock?db=2", "takes no option"),
    ],
)
def test_a_redis_url_that_cannot_work_is_refused_with_a_reason_and_not_shown(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        read({"REDIS_URL": url})
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("prefix", ["two words", "a*", "{a}", "a:"])
def test_a_prefix_that_is_no_name_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError, match="QUIRE_REDIS_PREFIX"):
        read({"QUIRE_REDIS_PREFIX": prefix})


def test_a_data_folder_of_any_name_gives_a_socket_that_redis_and_celery_find(tmp_path: Path) -> None:
    env = read({"QUIRE_DATA_DIR": str(tmp_path / "a b#c?d%20")})
    assert redis.connection.parse_url(env.redis(1))["path"] == str(env.redis_socket)
    assert "/" + kombu.utils.url.url_to_parts(env.celery(1)).path == str(env.redis_socket)


def test_a_socket_path_never_gets_too_long_for_the_kernel(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    assert len(bytes(read({"QUIRE_DATA_DIR": str(deep)}).redis_socket)) <= MAX_SOCKET_PATH_BYTES
