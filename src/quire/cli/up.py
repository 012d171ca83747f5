"""`quire up`: all of Quire on one machine, with one command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quire.cli.errors import Failure
from quire.cli.lazy import use_data_dir

if TYPE_CHECKING:
    from quire.environment import Environment
    from quire.ops.supervisor.supervisor import Supervisor

REDIS_LIMIT_S = 60
"""A large append-only file takes a while to load."""
PREPARE_LIMIT_S = 600
READY_LIMIT_S = 120
QUIRE = (sys.executable, "-P", "-m", "quire")


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port of the web.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the web; 0.0.0.0 for all networks.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    callback=use_data_dir,
    expose_value=False,
    help="Data folder; QUIRE_DATA_DIR or ./data otherwise.",
)
@click.option("--brief", is_flag=True, hidden=True, help="Say only that it is ready; for who says the rest itself.")
@click.option("--verbose", is_flag=True, help="Show all that the parts print, not their warnings alone.")
def up(port: int, host: str, brief: bool, verbose: bool) -> None:
    """Start all of Quire: Redis, web, worker and dispatcher, each started again when it dies."""
    from quire import environment
    from quire.ops.supervisor import folder
    from quire.ops.supervisor.port import listen, url_of
    from quire.ops.supervisor.supervisor import StopRequested, Supervisor

    env = environment.read()
    data_dir = env.data_dir.resolve()
    # Lines for a log collector are for standard output, whole; a person wants the warnings.
    show_all = verbose or env.log_format == "json"
    with folder.held(data_dir), listen(host, port) as listening:
        supervisor = Supervisor(logs=data_dir / "logs", say=_say, verbose=show_all)
        with supervisor.listening_to_signals():
            try:
                url = url_of(host, port)
                prepared = _start(supervisor, env, url=url, web_socket=listening.fileno())
                _say(
                    f"Quire is ready:  {env.public_url or url}" if brief else greeting(env, url=url, prepared=prepared)
                )
                supervisor.run()
            except StopRequested:
                pass
            finally:
                listening.close()
                _say("Stopping …")
                supervisor.stop()
    _say("Stopped.")


def _start(supervisor: Supervisor, env: Environment, *, url: str, web_socket: int) -> dict[str, Any]:
    from quire.ops.supervisor.readiness import Readiness

    _say("Starting Quire …")
    if not env.redis_url:
        _start_redis(supervisor, env)
    prepared = _prepare(supervisor, url=url)
    supervisor.start(_part("worker"))
    supervisor.start(_part("dispatcher"))
    supervisor.start(_part("web", "--fd", str(web_socket), inherited=[web_socket]))
    readiness = Readiness(f"{url}/readyz")
    try:
        supervisor.wait_until(lambda: readiness.is_reached, what="The web was not ready", limit_s=READY_LIMIT_S)
    finally:
        readiness.give_up()
    return prepared


def _part(name: str, *arguments: str, inherited: list[int] | None = None) -> Any:
    from quire.ops.supervisor.child import Part

    return Part(name=name, command=[*QUIRE, name, *arguments], inherited=inherited or [])


def _start_redis(supervisor: Supervisor, env: Environment) -> None:
    from quire.ops.supervisor import redis_server
    from quire.ops.supervisor.child import Part

    command = redis_server.command(
        redis_server.find_binary(), folder=env.data_dir.resolve() / "redis", socket_path=env.redis_socket
    )
    supervisor.start(Part(name="redis", command=command))
    supervisor.wait_until(
        lambda: redis_server.is_answering(env.redis_socket), what="Redis did not answer", limit_s=REDIS_LIMIT_S
    )


def _prepare(supervisor: Supervisor, *, url: str) -> dict[str, Any]:
    """Run `quire prepare`, a process of its own so that Django never weighs on this one."""
    from quire.ops.supervisor.tether import tied

    command = tied([*QUIRE, "prepare", "--url", url])
    # What it says on standard error is for the person who waits.
    with subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0) as process:
        try:
            supervisor.wait_until(
                lambda: process.poll() is not None, what="The preparation did not end", limit_s=PREPARE_LIMIT_S
            )
        finally:
            process.kill()
        output = process.stdout.read() if process.stdout else b""
    if process.returncode:
        raise Failure("Quire could not be prepared: the reason stands above.", code="start_failed")
    return dict(json.loads(output))


def greeting(env: Environment, *, url: str, prepared: dict[str, Any]) -> str:
    """What a person needs to know now, and the key only once."""
    lines = [f"Quire is ready:  {env.public_url or url}"]
    if prepared["sign_in_link"]:
        lines.append(f"Sign in:         {prepared['sign_in_link']}   (once; `quire sign-in-link` makes another)")
    else:
        lines.append("Sign in:         `quire sign-in-link` makes a link")
    if prepared["api_key"]:
        lines.append(f"API key:         {prepared['api_key']}   (shown only now)")
    lines.append(f"Logs:            {env.data_dir.resolve() / 'logs'}")
    lines.append("Ctrl-C stops everything; it goes on where it was at the next start.")
    return "\n".join(lines)


_say: Callable[[str], None] = click.echo
