"""A page that is asked for while the database does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

PATHS = ["/", "/jobs/", "/documents/6f8c3c52-0d1c-4c5e-9c55-2d8f0f2f4f3a/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_page_without_a_database_says_so_and_when_to_come_back(
    path: str, kind: type[Exception], browser: Client
) -> None:
    def is_away(*_: Any) -> Any:
        raise kind("the connection is lost")

    with connection.execute_wrapper(is_away):
        answer = browser.get(path)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "cannot reach its database" in answer.content.decode()
    assert "connection is lost" not in answer.content.decode()
