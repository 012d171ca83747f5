"""Stands around Django and looks at a request before its body is read, since Django spools the whole body first.

An upload is refused unread when nobody known sends it, or when it is too large, by its own words or by count.
Any other body may have 2 MiB, and a minute to come. What passes is handed through unchanged, answers included.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import OperationalError, connections

from quire.api import problems
from quire.tenants.services import caller_of_key
from quire.tenants.sessions import SessionStore

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UPLOADS = re.compile(r"/api/(ingest/|documents/[^/]+/file/)")
OTHER_BODY_BYTES = 2 * 2**20
FORM_BYTES = 2**20
"""What a form may need around its file."""
IDLE_S = 60
"""An upload of which nothing comes for so long is given up."""
SMALL_BODY_S = 60
"""Any other body must be whole by then: who may send it need not be anybody, and could hold on byte by byte."""
LINGER_S = 5
"""A refused client may still be sending: closing at once would take the answer from it (RFC 9112, section 9.6)."""


class RefusedRequestError(Exception):
    """The request goes no further; this is its answer."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Gate:
    """An ASGI application around another."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            raise ValueError(f"Quire speaks HTTP, not {scope['type']}")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        try:
            is_upload = _is_upload(scope)
            limit = await _check(scope, is_upload=is_upload)
            await self._app(scope, _Body(receive, limit=limit, is_upload=is_upload), answer.send)
        except RefusedRequestError as refusal:
            if not answer.has_begun:
                await _refuse(refusal, receive, send)
        except OSError:  # the folder where Django spools the body takes no more
            log.exception("a request could not be read")
            if answer.has_begun:
                raise
            detail = "Files cannot be stored at present. Try again soon."
            await _refuse(RefusedRequestError("storage_unavailable", detail), receive, send)


class _Answer:
    """Passes an answer on, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self.has_begun = False
        self._send = send

    async def send(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)


class _Body:
    """Passes a body on, counting; called again after its end it waits for the disconnect, as long as that takes."""

    def __init__(self, receive: Receive, *, limit: int, is_upload: bool) -> None:
        self._receive = receive
        self._limit = limit
        self._until = None if is_upload else asyncio.get_running_loop().time() + SMALL_BODY_S
        self._count = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until) if self._until else asyncio.timeout(IDLE_S):
                message = await self._receive()
        except TimeoutError:
            raise RefusedRequestError("request_timeout", "The rest of the request did not come.") from None
        self._count += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._count > self._limit:
            raise _too_large(self._limit)
        return message


def _is_upload(scope: Scope) -> bool:
    return scope["method"] in {"POST", "PUT"} and UPLOADS.fullmatch(scope["path"]) is not None


async def _check(scope: Scope, *, is_upload: bool) -> int:
    """How many bytes the body may have. Raises `RefusedRequestError`."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    limit = settings.ENV.max_upload_bytes + FORM_BYTES if is_upload else OTHER_BODY_BYTES
    length = headers.get(b"content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    if is_upload:
        await sync_to_async(_check_credentials, thread_sensitive=False)(headers)
    return limit


def _too_large(limit: int) -> RefusedRequestError:
    if limit == OTHER_BODY_BYTES:
        return RefusedRequestError("body_too_large", f"The request is larger than {limit:,} bytes.")
    largest = settings.ENV.max_upload_bytes
    return RefusedRequestError("file_too_large", f"The file is larger than {largest:,} bytes.")


def _check_credentials(headers: dict[bytes, str]) -> None:
    """Let in who may be somebody; what exactly they may is judged by the view. Runs in a thread of its own."""
    try:
        if not _is_known(headers):
            detail = "Send a valid API key as `Authorization: Bearer qk_…`, or sign in."
            raise RefusedRequestError("not_authenticated", detail)
    except OperationalError:
        log.exception("credentials could not be checked")
        detail = "The database does not answer at present. Try again soon."
        raise RefusedRequestError("database_unavailable", detail) from None
    finally:
        connections.close_all()


def _is_known(headers: dict[bytes, str]) -> bool:
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    if scheme:
        return scheme.lower() == "bearer" and caller_of_key(token.strip()) is not None
    try:
        cookie = SimpleCookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    return cookie is not None and SESSION_KEY in SessionStore(cookie.value).load()


async def _refuse(refusal: RefusedRequestError, receive: Receive, send: Send) -> None:
    """Answer, drop what still comes for a moment, then close the connection: the rest of the body is not wanted."""
    body = json.dumps(problems.document(refusal.code, refusal.detail)).encode()
    status = problems.CODES[refusal.code][0]
    headers = {
        "Content-Type": problems.CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        **problems.headers(status),
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await _linger(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _linger(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER_S):
            more = True
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    """Django knows no lifespan: nothing needs to be started or stopped."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
