"""What `REDIS_URL` may say, and the same in the words of redis-py and of Celery, which are not alike.

redis://[[user]:password@]host[:port]      rediss:// for TLS, with ?ssl_ca_certs=FILE and the like
unix://[[user]:password@]/path/of/socket
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

SCHEMES = ("redis", "rediss", "unix")
CERTIFICATES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Files: the authority that signed the server's certificate, and a certificate and key of our own."""
CHECKS = {"required": ssl.CERT_REQUIRED, "none": ssl.CERT_NONE}
ENCODE = "Characters such as / ? # in a password are written in percent form: %2F %3F %23"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """A server, without a database number: Quire uses 0 for the queue and 1 for the results."""

    scheme: str
    server: str
    """User, password, host and port, as written; for a socket user and password only."""
    path: str
    """Of the socket; empty otherwise."""
    options: tuple[tuple[str, str], ...]

    def redis(self, db: int) -> str:
        """For redis-py."""
        if self.scheme == "unix":
            return f"unix://{self.server}{self.path}?db={db}"
        query = f"?{urlencode(self.options)}" if self.options else ""
        return f"{self.scheme}://{self.server}/{db}{query}"

    def celery(self, db: int) -> str:
        """For Celery, to which `tls` is said apart."""
        if self.scheme == "unix":
            return f"redis+socket://{self.server}{self.path}?virtual_host={db}"
        return f"{self.scheme}://{self.server}/{db}"

    @property
    def tls(self) -> dict[str, Any] | None:
        """Celery's `broker_use_ssl`; None without TLS."""
        if self.scheme != "rediss":
            return None
        given = dict(self.options)
        return given | {"ssl_cert_reqs": CHECKS[given.get("ssl_cert_reqs", "required")]}


def parse(url: str) -> RedisUrl:
    """Raises `ValueError` with what must be otherwise; it never says the password."""
    scheme = url.split("://")[0]
    if scheme not in SCHEMES or "://" not in url:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    parts = urlsplit(url)
    if parts.fragment:
        raise ValueError(f"holds a #. {ENCODE}")
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    if scheme == "unix":
        return _socket(parts.netloc, parts.path, options)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"has a port that is no number. {ENCODE}") from None
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.path.rstrip("/") not in {"", "/0"}:
        raise ValueError(
            f"names a database or a path after the host. Leave it out: Quire uses databases 0 and 1. {ENCODE}"
        )
    _check_options(scheme, options)
    return RedisUrl(scheme=scheme, server=parts.netloc, path="", options=options)


def _socket(netloc: str, path: str, options: tuple[tuple[str, str], ...]) -> RedisUrl:
    if not path.rstrip("/") or (netloc and not netloc.endswith("@")):
        raise ValueError("must give the socket's whole path, as in unix:///run/redis.sock")
    if options not in {(), (("db", "0"),)}:
        raise ValueError("takes no option after ?. Leave it out: Quire uses databases 0 and 1")
    return RedisUrl(scheme="unix", server=netloc, path=path.rstrip("/"), options=())


def _check_options(scheme: str, options: tuple[tuple[str, str], ...]) -> None:
    for name, value in options:
        if name not in (*CERTIFICATES, "ssl_cert_reqs"):
            raise ValueError(f"has the option {name}; those known are {', '.join(CERTIFICATES)} and ssl_cert_reqs")
        if scheme != "rediss":
            raise ValueError(f"has the option {name}, which needs rediss://")
        if name == "ssl_cert_reqs" and value not in CHECKS:
            raise ValueError(f"has an ssl_cert_reqs that is none of {', '.join(CHECKS)}")
