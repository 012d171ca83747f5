"""What the doctor says of a Redis: each thing that is wrong has a sentence that says what to set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from tests.own_redis import OwnRedis
from tests.tls_proxy import TlsProxy

from quire.core.errors import PermanentError
from quire.ops import redis_check

Look = Callable[[str], redis_check.Finding]


@pytest.fixture
def look(settings: Settings) -> Look:
    """Look at the Redis of a URL."""

    def look(url: str) -> redis_check.Finding:
        settings.ENV = settings.ENV.model_copy(update={"redis_url": url})
        return redis_check.look()

    return look


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """As it should be, with a password, and a user without rights."""
    folder = Path(tmp_path_factory.mktemp("redis"))
    with OwnRedis(folder, appendonly="yes") as server:
        admin = server.client()
        admin.execute_command("ACL", "SETUSER", "weak", "on", ">weak", "~*", "resetchannels", "+@all")
        admin.config_set("requirepass", "secret")
        yield server


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """Without a password."""
    with OwnRedis(Path(tmp_path_factory.mktemp("redis")), appendonly="yes") as server:
        yield server


def refusal(look: Look, url: str) -> str:
    with pytest.raises(PermanentError) as refused:
        look(url)
    assert refused.value.code == "redis_unusable"
    assert "hidden" not in refused.value.message
    return refused.value.message


def test_a_redis_that_is_set_up_well_needs_nothing(look: Look, server: OwnRedis) -> None:
    found = look(f"redis://:secret@127.0.0.1:{server.port}")
    assert found.said.endswith("answers")
    assert found.advice == ""


def test_a_wrong_password_is_named(look: Look, server: OwnRedis) -> None:
    assert "It refuses user or password" in refusal(look, f"redis://:hidden@127.0.0.1:{server.port}")


def test_a_missing_password_is_named(look: Look, server: OwnRedis) -> None:
    assert "It wants a password" in refusal(look, server.url)


def test_a_user_without_the_rights_is_told_which(look: Look, server: OwnRedis) -> None:
    assert "&quire:/0.celery.pidbox" in refusal(look, f"redis://weak:weak@127.0.0.1:{server.port}")


def test_a_certificate_that_is_not_trusted_is_named_and_its_authority_makes_it_so(
    look: Look, open_server: OwnRedis, tmp_path: Path
) -> None:
    with TlsProxy(tmp_path, target_port=open_server.port) as proxy:
        url = f"rediss://127.0.0.1:{proxy.port}"
        assert "ssl_ca_certs=FILE" in refusal(look, url)
        assert look(f"{url}?ssl_ca_certs={proxy.ca_file}").advice == ""
        assert "rediss://" in refusal(look, f"redis://127.0.0.1:{proxy.port}")


def test_a_server_without_tls_is_named(look: Look, open_server: OwnRedis) -> None:
    assert "give the port that speaks TLS" in refusal(look, f"rediss://127.0.0.1:{open_server.port}")


def test_no_server_at_all_says_where_to_look(look: Look, tmp_path: Path) -> None:
    assert "quire up" in refusal(look, f"unix://{tmp_path}/none.sock")


def test_a_redis_that_keeps_nothing_or_evicts_is_warned_of(look: Look, tmp_path: Path) -> None:
    with OwnRedis(tmp_path) as forgetful:
        assert look(forgetful.url).advice == "Set `appendonly yes` in Redis"
        forgetful.client().config_set("appendonly", "yes")
        forgetful.client().config_set("maxmemory-policy", "allkeys-lru")
        found = look(forgetful.url)
    assert "allkeys-lru" in found.said
    assert found.advice == "Set `maxmemory-policy noeviction` in Redis"
