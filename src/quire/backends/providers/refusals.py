"""What providers of models refuse and fail at, as our errors: each says what to do, and none holds a key."""

from __future__ import annotations

import re

from quire.core.errors import PermanentError, RateLimited, TransientError

DEFAULT_WAIT_S = 20.0
"""After a refusal that does not say how long: a third of the minute over which all of them count."""
SHORTEST_WAIT_S = 1.0
"""Some say 0 s while their quota is full."""
_MOST_SAID_CHARS = 300
_KEY_LIKE = re.compile(r"\b(?:sk-|AIza|AQ\.)[\w*.-]{8,}")


def key_refused(provider: str, *, key: str, said: str = "") -> PermanentError:
    """`key` is the name of its setting; `said` why a known key may not, such as an API that is not switched on."""
    message = f"{provider} refused the key. Set {key} to a valid one that may use this model, then try again."
    return PermanentError(f"{message} It said: {said}" if said else message, code="provider_key_refused")


def model_unknown(provider: str, model: str, *, setting: str, hint: str = "") -> PermanentError:
    message = f"{provider} knows no model {model!r} for this. Set {setting} to one that it has{hint}, then try again."
    return PermanentError(message, code="provider_model_unknown")


def quota_spent(provider: str, *, remedy: str) -> PermanentError:
    message = f"The quota at {provider} is used up, and waiting a little does not help. {remedy}, then try again."
    return PermanentError(message, code="provider_quota_spent")


def refused(provider: str, said: str) -> PermanentError:
    message = f"{provider} refused the request, and would again: {said or 'it did not say why'}"
    return PermanentError(message, code="provider_refused")


def no_such_api(provider: str, *, setting: str) -> PermanentError:
    message = f"{provider} does not speak the API that is expected there. See {setting}: it mostly ends in /v1."
    return PermanentError(message, code="provider_refused")


def busy(provider: str, *, retry_after_s: float | None) -> RateLimited:
    """`retry_after_s` as the provider says it; None when it says nothing."""
    wait_s = DEFAULT_WAIT_S if retry_after_s is None else max(retry_after_s, SHORTEST_WAIT_S)
    message = f"{provider} asked us to wait for {wait_s:.0f} s."
    return RateLimited(message, retry_after_s=wait_s, waiting_for=f"the quota at {re.sub('^The ', 'the ', provider)}")


def failed(provider: str, said: str) -> TransientError:
    return TransientError(f"{provider} failed: {said or 'it did not say why'}")


def silent(provider: str, *, timeout_s: float) -> TransientError:
    return TransientError(f"{provider} did not answer within {timeout_s:g} s.")


def not_begun(provider: str, *, timeout_s: float) -> TransientError:
    return TransientError(f"{provider} did not begin to answer within {timeout_s:g} s.")


def unreachable(provider: str) -> TransientError:
    return TransientError(f"{provider} could not be reached, or broke off.")


def unreadable(provider: str) -> TransientError:
    return TransientError(f"{provider} gave an answer that cannot be read.")


def answer_blocked(provider: str, reason: str) -> PermanentError:
    message = f"{provider} would not answer this ({reason}). Ask in other words, or of another document."
    return PermanentError(message, code="answer_blocked")


def answer_empty(provider: str) -> TransientError:
    return TransientError(f"{provider} gave an empty answer.", code="answer_empty")


def answer_cut(provider: str) -> TransientError:
    return TransientError(f"{provider} ended in the middle of its answer.", code="answer_cut")


def scrubbed(said: object, *, key: str) -> str:
    """What a provider said, in one short line without the key or anything like one."""
    line = " ".join(str(said or "").split())
    if key:
        line = line.replace(key, "…")
    return _KEY_LIKE.sub("…", line)[:_MOST_SAID_CHARS]
