"""The address of the web, held by the supervisor: callers wait, and are not refused, while the web restarts."""

from __future__ import annotations

import errno
import socket

from quire.core.errors import PermanentError

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. `PermanentError`: `port_in_use`, or `address_unavailable` when it cannot be had at all."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PermanentError(
                f"Port {port} of {host} is taken by another program. "
                f"Stop that program, or choose another port: quire up --port {port + 1}",
                code="port_in_use",
            ) from None
        raise PermanentError(
            f"Quire cannot listen on port {port} of {host}: {error.strerror or error}. "
            "Choose others by --host and --port.",
            code="address_unavailable",
        ) from None


def url_of(host: str, port: int) -> str:
    """Where a browser on this machine finds what listens there."""
    reachable = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - read, not bound
    bracketed = f"[{reachable}]" if ":" in reachable and not reachable.startswith("[") else reachable
    return f"http://{bracketed}:{port}"
