"""What must be there before anything runs: the database's tables, the stores, an account, this machine's key."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from quire import registry
from quire.documents import lifecycle
from quire.ops import database
from quire.tenants import services
from quire.tenants.models import Tenant, User

HOME = "Home"
ADMIN = "admin"
KEY_NAME = "quire up"
CLIENT_FILE = "client.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of this machine's owner. `api_key` is set only when it was made just now."""

    user: User
    is_new: bool
    api_key: str | None


def prepare_stores() -> None:
    """Bring the database's tables up to date, and make what vector store and keyword index need. Safe to call twice."""
    with database.preparing():
        call_command("migrate", verbosity=0, interactive=False)
        registry.prepare_stores()


def prepare_static_files() -> None:
    """Gather the pages' files, compressed, under names that carry their hash. Safe to call twice."""
    call_command("collectstatic", verbosity=0, interactive=False)


def take_back_leases() -> int:
    """Queue again what a run before us left unfinished: at once when the database is ours alone, and none of its
    workers can be alive; on a shared one the dispatcher does so when the leases run out."""
    return 0 if settings.ENV.database_url else lifecycle.take_back_all()


def prepare_account(*, url: str) -> Account:
    """Make the first tenant and user where there are none, and leave address and key for this machine's commands."""
    with database.preparing():
        is_new = not Tenant.objects.exists()
        if is_new:
            services.create_tenant(name=HOME, username=ADMIN)
    path: Path = settings.DATA_DIR / CLIENT_FILE
    api_key = _living_key(path)
    made = None
    user = User.objects.filter(memberships__isnull=False).order_by("date_joined").first()
    caller = services.caller_of_user(user) if user else None
    if user is None or (api_key is None and caller is None):
        raise RuntimeError("the database has tenants, but no user who may have a key")
    if api_key is None and caller:
        _, made = services.create_key(tenant=caller.tenant, user=caller.user, name=KEY_NAME)
    _write_private(path, json.dumps({"url": url, "api_key": api_key or made}) + "\n")
    return Account(user=user, is_new=is_new, api_key=made)


def _living_key(path: Path) -> str | None:
    try:
        key = str(json.loads(path.read_text())["api_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return key if services.caller_of_key(key) else None


def _write_private(path: Path, text: str) -> None:
    """Replace `path` in one step by a file that nobody else may read."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
