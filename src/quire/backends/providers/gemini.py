"""An account at Google's Gemini, by its own SDK.

The SDK's retries are off: ours decide, and know what it ignores, `google.rpc.RetryInfo`. It speaks through an
`httpx.Client` of ours, so that what the network does comes as an error of one known library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from google import genai
from google.genai import errors, types

from quire.backends.providers import refusals
from quire.backends.providers.per_process import PerProcess
from quire.backends.providers.retry_after import retry_after_s
from quire.core.errors import QuireError

NAME = "Gemini"
KEY = "GEMINI_API_KEY"
SPENT = "Wait for the next day (Pacific time), or take a larger plan at Google"
_SERVER = "https://generativelanguage.googleapis.com"
_PASSES = {408, 409, 425, 499}
"""Codes below 500 that may be answered otherwise next time."""
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


class GeminiAccount:
    """Safe in threads, and over a fork. `setting` is the one that names the model."""

    def __init__(self, *, api_key: str, base_url: str, timeout_s: float, setting: str) -> None:
        self._key = api_key
        self._base_url = base_url or _SERVER
        self._timeout_s = timeout_s
        self._setting = setting
        self._clients = PerProcess(self._connect, close=lambda made: made[1].close())

    @property
    def client(self) -> genai.Client:
        return self._clients.get()[0]

    def warm_up(self) -> None:
        """Make the client of this process; nobody is called."""
        self._clients.get()

    @contextmanager
    def call(self, *, model: str, timeout_s: float | None = None) -> Iterator[genai.Client]:
        """A client for the time of the block, in which the SDK's errors become ours.

        `timeout_s` is what the caller gives its request where that is not the account's own.
        """
        try:
            yield self.client
        except errors.APIError as error:
            raise self._ours(error, model) from None  # the SDK's own holds request and answer
        except httpx.TimeoutException:
            raise refusals.silent(NAME, timeout_s=timeout_s or self._timeout_s) from None
        except httpx.HTTPError:
            raise refusals.unreachable(NAME) from None
        except (ValueError, httpx.InvalidURL):  # what came is no JSON, or not of the schema
            raise refusals.unreadable(NAME) from None

    def _connect(self) -> tuple[genai.Client, httpx.Client]:
        http = httpx.Client(timeout=self._timeout_s)
        options = types.HttpOptions(
            base_url=self._base_url,
            timeout=int(self._timeout_s * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_client=http,
        )
        return genai.Client(api_key=self._key, vertexai=False, http_options=options), http

    def _ours(self, error: errors.APIError, model: str) -> QuireError:
        code, said = error.code or 500, refusals.scrubbed(error.message, key=self._key)
        if code == 429:
            return _over_quota(error)
        if code >= 500 or code in _PASSES:
            return refusals.failed(NAME, said)
        if code == 401 or _has(error, "ErrorInfo", "reason", "API_KEY_INVALID"):
            return refusals.key_refused(NAME, key=KEY)
        if code == 403:
            return refusals.key_refused(NAME, key=KEY, said=said)
        if code == 404:
            return refusals.model_unknown(NAME, model, setting=self._setting)
        return refusals.refused(NAME, said)


def within(timeout_s: float | None) -> types.HttpOptions | None:
    """A request's own timeout, as the SDK takes it; None leaves the client's."""
    return types.HttpOptions(timeout=int(timeout_s * 1000)) if timeout_s else None


def _over_quota(error: errors.APIError) -> QuireError:
    """A quota of the day, or of money, is spent; one of the minute comes back."""
    quotas = [str(each.get("quotaId", "")) for part in _details(error, "QuotaFailure") for each in _violations(part)]
    if any("PerDay" in quota for quota in quotas) or "prepayment" in str(error.message).casefold():
        return refusals.quota_spent(NAME, remedy=SPENT)
    for part in _details(error, "RetryInfo"):
        if found := _SECONDS.fullmatch(str(part.get("retryDelay", ""))):
            return refusals.busy(NAME, retry_after_s=float(found[1]))
    return refusals.busy(NAME, retry_after_s=retry_after_s(getattr(error.response, "headers", None) or {}))


def _has(error: errors.APIError, kind: str, name: str, value: str) -> bool:
    return any(part.get(name) == value for part in _details(error, kind))


def _details(error: errors.APIError, kind: str) -> list[dict[str, Any]]:
    """The parts of an error of the type `google.rpc.<kind>`."""
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    parts = inner.get("details") if isinstance(inner, dict) else None
    known = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return [part for part in known if str(part.get("@type", "")).endswith(f"google.rpc.{kind}")]


def _violations(part: dict[str, Any]) -> list[dict[str, Any]]:
    found = part.get("violations")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
