"""`quire keys`: the API keys of this account."""

from __future__ import annotations

import click

from quire.cli.ids import KEY
from quire.cli.output import as_json_option, print_json, print_table


@click.group()
def keys() -> None:
    """API keys: create, list, revoke."""


@keys.command()
@click.argument("name")
@as_json_option
def create(name: str, as_json: bool) -> None:
    """Make a key; it is shown once."""
    from quire.cli.client import connected

    with connected() as api:
        key = api.post("/api/keys/", json={"name": name})
    print_json(key) if as_json else click.echo(key["key"])


@keys.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """Show the living keys, by their first characters."""
    from quire.cli.client import connected

    with connected() as api:
        found = list(api.pages("/api/keys/"))
    if as_json:
        print_json(found)
    else:
        rows = [(key["id"], key["name"], f"{key['prefix']}…", key["last_used_at"] or "never") for key in found]
        print_table(["id", "name", "key", "last used"], rows)


@keys.command()
@click.argument("key_id", type=KEY, metavar="ID")
def revoke(key_id: str) -> None:
    """End a key at once."""
    from quire.cli.client import connected

    with connected() as api:
        api.delete(f"/api/keys/{key_id}/")
    click.echo(f"revoked {key_id}")
