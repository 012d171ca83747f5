"""Where the service is, and the key to it: QUIRE_URL and QUIRE_API_KEY, else what `quire up` left on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass

from quire import environment
from quire.cli.errors import Failure

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    url: str
    api_key: str


def find() -> Address:
    """Raises `Failure("no_service")` when nothing says where it is."""
    env = environment.read()
    left = _left_by_up(env)
    url, api_key = env.url or left.get("url", ""), env.api_key or left.get("api_key", "")
    if not (url and api_key):
        raise Failure(
            f"No Quire is known: {env.data_dir / 'client.json'} is not there. Start one with `quire up`, name its data "
            "folder by --data-dir, or set QUIRE_URL and QUIRE_API_KEY.",
            code="no_service",
        )
    return Address(url=url.rstrip("/"), api_key=api_key)


def local_url() -> str:
    """The address that people use for the service on this machine."""
    env = environment.read()
    return env.public_url or env.url or _left_by_up(env).get("url", DEFAULT_URL)


def _left_by_up(env: environment.Environment) -> dict[str, str]:
    try:
        return dict(json.loads((env.data_dir / "client.json").read_text()))
    except (OSError, ValueError):
        return {}
