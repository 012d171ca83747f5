"""`quire web`, `worker`, `dispatcher`, `flower`: single parts in the foreground, for `quire up` and for production."""

from __future__ import annotations

import click

from quire.cli.local import set_up


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--fd", type=int, hidden=True, help="A socket that listens already; from `quire up`.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; QUIRE_WEB_WORKERS otherwise.")
def web(host: str, port: int, fd: int | None, workers: int | None) -> None:
    """Run the web alone."""
    set_up()
    from quire.cli import serve
    from quire.ops import checks

    checks.refuse_foreign_vectors()
    serve.web(host=host, port=port, fd=fd, workers=workers)


@click.command()
@click.option("--concurrency", type=click.IntRange(min=1), help="Processes; QUIRE_WORKER_CONCURRENCY otherwise.")
def worker(concurrency: int | None) -> None:
    """Run a Celery worker alone."""
    set_up()
    from quire.cli import work
    from quire.ops import checks

    checks.refuse_foreign_vectors()
    work.worker(concurrency=concurrency)


@click.command()
def dispatcher() -> None:
    """Run the dispatcher alone: it sends, sweeps and collects. Any number may run."""
    set_up()
    import signal
    import threading

    from quire.documents import dispatcher as documents_dispatcher
    from quire.ops import error_reports, tending

    stop = threading.Event()

    def on_signal(number: int, frame: object) -> None:
        # Not here: the main thread may hold the event's own lock at this moment.
        threading.Thread(target=stop.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    also = {error_reports.report_missed: error_reports.REPORT_EVERY_S, tending.tend: tending.TEND_EVERY_S}
    documents_dispatcher.run(stop=stop, also=also)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5555, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--url-prefix", default="", help="Path under which a proxy shows it, such as flower.")
def flower(host: str, port: int, url_prefix: str) -> None:
    """Run Flower, which shows workers and tasks. It asks for no password unless FLOWER_BASIC_AUTH is name:password."""
    set_up()
    from quire.celery import app

    options = [f"--address={host}", f"--port={port}"]
    if url_prefix:
        options.append(f"--url_prefix={url_prefix}")
    app.start(argv=["flower", *options])
