"""Runs uvicorn as Quire wants it."""

from __future__ import annotations

import os
import socket

import uvicorn
from django.conf import settings
from uvicorn.supervisors import ChangeReload, Multiprocess

from quire.ops.supervisor.port import listen
from quire.ops.supervisor.tether import tie_to

GRACE_S = 3
"""For answers under way; event streams never end by themselves, and their browsers come back."""
APPLICATION = "quire.asgi:application"


def web(*, host: str, port: int, fd: int | None, workers: int | None) -> None:
    """Serve until SIGTERM. `fd` is a listening socket to use instead of making one. `PermanentError` as `listen`."""
    processes = workers or settings.ENV.web_workers
    listening = socket.socket(fileno=fd) if fd is not None else listen(host, port)
    tied = processes > 1
    config = uvicorn.Config(
        "quire.cli.serve:tied_application" if tied else APPLICATION,
        factory=tied,
        workers=processes,
        reload=settings.ENV.reload,
        reload_dirs=[str(settings.BASE_DIR)] if settings.ENV.reload else None,
        log_config=None,  # ours, from Django's settings
        access_log=settings.ENV.log_level == "DEBUG",
        server_header=False,
        proxy_headers=True,
        timeout_graceful_shutdown=GRACE_S,
    )
    if config.should_reload:
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listening]).run()
    elif tied:
        Multiprocess(config, sockets=[listening]).run()
    else:
        uvicorn.Server(config).run(sockets=[listening])


def tied_application() -> object:
    """The application in one of several processes, which must not outlive the one that started them."""
    tie_to(os.getppid())
    from quire.asgi import application

    return application
