"""What every test stands on: settings of its own in a temporary folder, a database with its stores, and a caller."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import django
import pytest
from tests import parts
from xdist.scheduler import LoadFileScheduling

# Django reads its settings when it is set up, which is here as long as pytest's own configuration names no settings.
for name in [name for name in os.environ if name.startswith(("QUIRE_", "AWS_")) and not name.startswith("QUIRE_TEST_")]:
    del os.environ[name]
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
os.environ["QUIRE_DATA_DIR"] = tempfile.mkdtemp(prefix="quire-tests-")
os.environ["QUIRE_EMBEDDER"] = "hashing"
os.environ["DJANGO_SETTINGS_MODULE"] = "quire.settings"
os.environ |= parts.of_session()
atexit.register(shutil.rmtree, os.environ["QUIRE_DATA_DIR"], ignore_errors=True)
django.setup()

from django.test import Client  # noqa: E402 - models exist once Django is set up
from tests import stores  # noqa: E402

from quire import registry  # noqa: E402
from quire.tenants import services  # noqa: E402
from quire.tenants.models import Tenant  # noqa: E402
from quire.tenants.services import Caller  # noqa: E402

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker


def pytest_configure() -> None:
    """Take away what is not for the services that tests start, each of which has a database of its own; nor for
    pytest's workers, whose Django would be set up before they come here."""
    for name in ("DJANGO_SETTINGS_MODULE", *parts.of_session()):
        os.environ.pop(name, None)


SERVICES = ("e2e", "chaos")
"""Folders whose tests share one running service, for which they wait more than they work: one process has them all."""
LONG = (
    "e2e",
    "chaos",
    "chaos/test_crash_loop.py",
    "documents/test_stateful.py",
    "documents/test_faults.py",
    "cli/test_up.py",
    "cli/test_postgres.py",
    "cli/test_outside_services.py",
)
"""The groups that take half a minute and more."""


def _group(nodeid: str) -> str:
    """The tests that one process runs in a row: those of a file, or of a folder of `SERVICES`."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    folder = path.partition("/")[0]
    return folder if folder in SERVICES and path != "chaos/test_crash_loop.py" else path


class ByGroup(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives a whole group to the next process that is free."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    return ByGroup(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: at the end the other processors would have nothing to do while one of it runs."""
    places = {group: place for place, group in enumerate(LONG)}
    items.sort(key=lambda item: places.get(_group(item.nodeid), len(places)))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, with the tables of vector store and keyword index, which are no models."""
    with django_db_blocker.unblock():
        registry.prepare_stores()
    registry.sentence_splitter()("Loads its rules. Now, and not while the first document's lease runs.")


@pytest.fixture(autouse=True)
def _leave_no_vectors(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that commits is cleaned up by emptying the tables of models; those of the two searches are none."""
    mark = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (mark and mark.kwargs.get("transaction"))
    if commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits:
        stores.wipe()


@pytest.fixture
def caller(db: None) -> Caller:
    """Ada, the owner of the tenant Acme."""
    return services.create_tenant(name="Acme", username="ada")


@pytest.fixture
def stranger(db: None) -> Caller:
    """Somebody in another tenant."""
    return services.create_tenant(name="Other", username="eve")


@pytest.fixture
def tenant(caller: Caller) -> Tenant:
    return caller.tenant


@pytest.fixture
def api_key(caller: Caller) -> str:
    """The caller's key itself, as a program sends it."""
    return services.create_key(tenant=caller.tenant, user=caller.user, name="test")[1]


@pytest.fixture
def client(api_key: str) -> Client:
    """A client that speaks with the caller's key; no server runs, and what is queued stays queued."""
    return Client(headers={"Authorization": f"Bearer {api_key}"}, raise_request_exception=False)
