"""An account at OpenAI, or at a server that speaks its API (Ollama, vLLM, LM Studio, …), by OpenAI's own SDK.

The SDK's retries are off: ours decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import openai

from quire.backends.providers import refusals
from quire.backends.providers.per_process import PerProcess
from quire.backends.providers.retry_after import retry_after_s
from quire.core.errors import QuireError

KEY = "OPENAI_API_KEY"
ADDRESS = "OPENAI_BASE_URL"
SPENT = "Add credit, or raise the limit of the account"
_SERVER = "https://api.openai.com/v1"
_NO_KEY = "none"
"""The SDK wants one; a server of one's own mostly does not look at it."""
_SPENT_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_BLOCKED_CODES = {"content_filter", "content_policy_violation"}
_PASSES = {408, 409, 425, 499}
"""Codes below 500 that may be answered otherwise next time."""


class OpenAIAccount:
    """Safe in threads, and over a fork. `setting` is the one that names the model."""

    def __init__(self, *, api_key: str, base_url: str, timeout_s: float, setting: str) -> None:
        self._key = api_key
        self._base_url = base_url or _SERVER
        self._timeout_s = timeout_s
        self._setting = setting
        self.provider = f"The model server at {urlsplit(base_url).hostname}" if base_url else "OpenAI"
        self._clients = PerProcess(self._connect, close=lambda client: client.close())

    def warm_up(self) -> None:
        """Make the client of this process; nobody is called."""
        self._clients.get()

    @contextmanager
    def call(self, *, model: str, timeout_s: float | None = None) -> Iterator[openai.OpenAI]:
        """A client for the time of the block, in which the SDK's errors become ours.

        `timeout_s` is what the caller gives its request where that is not the account's own.
        """
        try:
            yield self._clients.get()
        except openai.APITimeoutError:
            raise refusals.silent(self.provider, timeout_s=timeout_s or self._timeout_s) from None
        except openai.APIConnectionError:
            raise refusals.unreachable(self.provider) from None
        except openai.APIStatusError as error:
            raise self._ours(error, model) from None  # the SDK's own holds request and answer
        except openai.APIResponseValidationError:
            raise refusals.no_such_api(self.provider, setting=ADDRESS) from None
        except openai.APIError as error:  # in the middle of a stream
            raise self._broken_off(error) from None
        except ValueError:  # what came is no JSON, or not of the schema
            raise refusals.unreadable(self.provider) from None

    def no_such_api(self) -> QuireError:
        return refusals.no_such_api(self.provider, setting=ADDRESS)

    def _connect(self) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=self._key or _NO_KEY, base_url=self._base_url, timeout=self._timeout_s, max_retries=0
        )

    def _ours(self, error: openai.APIStatusError, model: str) -> QuireError:
        status, said = error.status_code, refusals.scrubbed(error.message, key=self._key)
        if status == 402 or {error.code, error.type} & _SPENT_CODES:
            return refusals.quota_spent(self.provider, remedy=SPENT)
        if status == 429:
            return self._over_quota(error, said)
        if status >= 500 or status in _PASSES:
            return refusals.failed(self.provider, said)
        if status == 401:  # what it says then repeats the key, or the ends of it
            return refusals.key_refused(self.provider, key=KEY)
        if status == 403:
            return refusals.key_refused(self.provider, key=KEY, said=said)
        if status == 404:
            hint = f" (and see that {ADDRESS} is right: it mostly ends in /v1)"
            return refusals.model_unknown(self.provider, model, setting=self._setting, hint=hint)
        if error.code in _BLOCKED_CODES:
            return refusals.answer_blocked(self.provider, "its content filter")
        return refusals.refused(self.provider, said)

    def _over_quota(self, error: openai.APIStatusError, said: str) -> QuireError:
        """A request that is larger than the quota of a minute never fits, however long it waits."""
        if "request too large" in said.casefold():
            return refusals.refused(self.provider, said)
        return refusals.busy(self.provider, retry_after_s=retry_after_s(error.response.headers))

    def _broken_off(self, error: openai.APIError) -> QuireError:
        if {error.code, error.type} & _BLOCKED_CODES:
            return refusals.answer_blocked(self.provider, "its content filter")
        return refusals.failed(self.provider, refusals.scrubbed(error.message, key=self._key))
