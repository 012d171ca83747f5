"""`quire audit`: whether database, object storage and vector store hold the same documents."""

from __future__ import annotations

import dataclasses

import click

from quire.cli.local import set_up
from quire.cli.output import as_json_option, print_json


@click.command()
@click.option("--repair", is_flag=True, help="Mend what is safe to mend, and older than an hour.")
@as_json_option
def audit(repair: bool, as_json: bool) -> None:
    """Compare database, files, vectors and keywords, both ways. Exit 1 when something is left to do."""
    set_up()
    from quire.documents import audit as documents_audit

    findings = []
    for finding in documents_audit.audit(repair=repair):
        findings.append(finding)
        if not as_json:
            mark = "mended" if finding.is_repaired else "to do"
            click.echo(f"{finding.kind}  {finding.subject}: {finding.detail} {mark}: {finding.repair}.")
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    elif not findings:
        click.echo("Database, files, vectors and keywords agree.")
    if any(not finding.is_repaired for finding in findings):
        raise click.exceptions.Exit(1)
