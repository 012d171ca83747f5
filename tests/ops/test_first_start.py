"""The first start makes an account and a key for this machine; a later one keeps both."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from quire.ops import first_start
from quire.tenants import services
from quire.tenants.models import ApiKey, Tenant

URL = "http://127.0.0.1:8000"


@pytest.fixture
def client_file(db: None) -> Iterator[Path]:
    path = Path(settings.DATA_DIR) / first_start.CLIENT_FILE
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def test_the_first_start_makes_home_admin_and_a_key_that_works(client_file: Path) -> None:
    account = first_start.prepare_account(url=URL)
    left = json.loads(client_file.read_text())
    caller = services.caller_of_key(left["api_key"])
    assert account.is_new
    assert account.api_key == left["api_key"]
    assert caller
    assert (caller.tenant.name, caller.user.username, left["url"]) == ("Home", "admin", URL)


def test_nobody_else_can_read_the_key(client_file: Path) -> None:
    first_start.prepare_account(url=URL)
    assert stat.S_IMODE(client_file.stat().st_mode) == 0o600


def test_a_later_start_keeps_account_and_key_and_notes_the_new_address(client_file: Path) -> None:
    first = first_start.prepare_account(url=URL)
    second = first_start.prepare_account(url="http://127.0.0.1:9000")
    assert (second.is_new, second.api_key) == (False, None)
    assert json.loads(client_file.read_text()) == {"url": "http://127.0.0.1:9000", "api_key": first.api_key}
    assert (Tenant.objects.count(), ApiKey.objects.count()) == (1, 1)


def test_a_key_that_was_revoked_is_replaced(client_file: Path) -> None:
    first = first_start.prepare_account(url=URL)
    key = ApiKey.objects.get()
    services.revoke_key(tenant=key.tenant, key_id=key.id)
    second = first_start.prepare_account(url=URL)
    assert second.api_key not in (None, first.api_key)


def test_a_damaged_client_file_is_written_anew(client_file: Path) -> None:
    client_file.write_text("{")
    made = first_start.prepare_account(url=URL).api_key
    assert json.loads(client_file.read_text())["api_key"] == made
