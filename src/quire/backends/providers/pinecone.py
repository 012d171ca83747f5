"""An account at Pinecone, by its own SDK, whose retries are off: ours decide, and know what waits and what fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pinecone import Index, Pinecone, RetryConfig
from pinecone._internal.constants import DATA_PLANE_API_VERSION
from pinecone._internal.http_client import HTTPClient
from pinecone.errors import exceptions as errors

from quire.backends.providers import refusals
from quire.backends.providers.per_process import PerProcess
from quire.backends.providers.retry_after import retry_after_s
from quire.core.errors import PermanentError, QuireError

NAME = "Pinecone"
KEY = "PINECONE_API_KEY"
SPENT = "Use a larger plan at Pinecone"
_ONCE = RetryConfig(max_retries=0)
_PASSES = {408, 409, 412, 425, 499}
"""Codes below 500 that may be answered otherwise next time."""
_OF_THE_MONTH = "current month"
"""What a 429 says that no waiting helps: "You've reached your write unit limit for the current month"."""


class PineconeAccount:
    """Safe in threads, and over a fork. An empty `host` is Pinecone's own control plane."""

    def __init__(self, *, api_key: str, host: str, timeout_s: float) -> None:
        self._key = api_key
        self._host = host
        self._timeout_s = timeout_s
        self._clients = PerProcess(self._connect, close=lambda client: client.close())

    @property
    def control_plane(self) -> Pinecone:
        return self._clients.get()

    def index(self, host: str) -> Index:
        """A client of the index that lives there. Whoever asks closes it."""
        index = Index(host=host, api_key=self._key, timeout=self._timeout_s)
        # The SDK lets its retries be set for the control plane only. They would wait here, out of our sight, for as
        # long as four times what a 429 says, and send as many requests that are refused.
        once = replace(index._config, retry_config=_ONCE)
        index._http.close()
        index._http = HTTPClient(once, DATA_PLANE_API_VERSION)
        return index

    @contextmanager
    def call(self, *, timeout_s: float | None = None) -> Iterator[None]:
        """In this block the SDK's errors become ours.

        `timeout_s` is what the caller gives its request where that is not the account's own.
        """
        try:
            yield
        except errors.ApiError as error:
            raise self._ours(error) from None  # the SDK's own holds the answer and its headers
        except errors.PineconeTimeoutError:
            raise refusals.silent(NAME, timeout_s=timeout_s or self._timeout_s) from None
        except errors.PineconeConnectionError:
            raise refusals.unreachable(NAME) from None
        except errors.ResponseParsingError:
            raise refusals.unreadable(NAME) from None
        except errors.PineconeValueError as error:  # the SDK would not send it: a name, or the key, cannot be one
            raise refusals.refused(NAME, refusals.scrubbed(error, key=self._key)) from None

    def _connect(self) -> Pinecone:
        return Pinecone(api_key=self._key, host=self._host or None, timeout=self._timeout_s, retry_config=_ONCE)

    def _ours(self, error: errors.ApiError) -> QuireError:
        status, said = error.status_code, refusals.scrubbed(error.message, key=self._key)
        if status == 402 or (status == 429 and _OF_THE_MONTH in said):
            return refusals.quota_spent(NAME, remedy=SPENT)
        if status == 429:
            return refusals.busy(NAME, retry_after_s=retry_after_s(error.headers or {}))
        if status >= 500 or status in _PASSES:
            return refusals.failed(NAME, said)
        if status in {401, 403}:
            message = f"{NAME} refused the key. Set {KEY} to a valid one that may read and write, then try again."
            return PermanentError(message, code="provider_key_refused")
        return refusals.refused(NAME, said)
