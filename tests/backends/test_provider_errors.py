"""What a provider refuses or fails at becomes an error of ours that says what to do, and never the key."""

from __future__ import annotations

import logging
import traceback
from email.utils import formatdate
from time import time

import pytest
from tests.backends.model_servers import (
    gemini_embedder,
    gemini_server,
    openai_embedder,
    openai_server,
)

from quire.backends.providers.retry_after import duration_s, retry_after_s
from quire.core.errors import PermanentError, QuireError, RateLimited, TransientError
from quire.core.ports import Embedder
from quire.testing import gemini_server as gemini
from quire.testing import openai_server as openai
from quire.testing.gemini_server import GeminiServer
from quire.testing.model_server import Reply
from quire.testing.openai_server import OpenAIServer

__all__ = ["gemini_server", "openai_server"]

DAY = "EmbedContentRequestsPerDayPerProjectPerModel-FreeTier"
GEMINI = {
    "overloaded": (gemini.overloaded(), TransientError, "service_unavailable"),
    "internal": (
        gemini.error(500, "INTERNAL", "An error."),
        TransientError,
        "service_unavailable",
    ),
    "late": (gemini.error(504, "DEADLINE_EXCEEDED", "Deadline expired."), TransientError, "service_unavailable"),
    "no JSON": (Reply(status=502, body="<html>Bad gateway</html>"), TransientError, "service_unavailable"),
    "a page": (Reply(body="<html>Sign in to the network</html>"), TransientError, "service_unavailable"),
    "cut off": (Reply(is_dropped=True), TransientError, "service_unavailable"),
    "the minute's quota": (gemini.over_quota(), RateLimited, "rate_limited"),
    "the day's quota": (gemini.over_quota(quota=DAY), PermanentError, "provider_quota_spent"),
    "no money": (
        gemini.error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
        PermanentError,
        "provider_quota_spent",
    ),
    "another key": (gemini.key_invalid(), PermanentError, "provider_key_refused"),
    "no right": (gemini.error(403, "PERMISSION_DENIED", "denied"), PermanentError, "provider_key_refused"),
    "another model": (
        gemini.error(404, "NOT_FOUND", "not found"),
        PermanentError,
        "provider_model_unknown",
    ),
    "another place": (
        gemini.error(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        PermanentError,
        "provider_refused",
    ),
}
OPENAI = {
    "overloaded": (openai.overloaded(), TransientError, "service_unavailable"),
    "no JSON": (Reply(status=502, body="<html>Bad gateway</html>"), TransientError, "service_unavailable"),
    "cut off": (Reply(is_dropped=True), TransientError, "service_unavailable"),
    "the minute's quota": (openai.over_quota(), RateLimited, "rate_limited"),
    "no money": (openai.quota_spent(), PermanentError, "provider_quota_spent"),
    "no balance": (openai.error(402, "Insufficient Balance", kind="x"), PermanentError, "provider_quota_spent"),
    "never fits": (
        openai.error(429, "Request too large for gpt-6-luna on tokens per min (TPM)", kind="tokens"),
        PermanentError,
        "provider_refused",
    ),
    "another key": (openai.error(401, "Incorrect API key", kind="x"), PermanentError, "provider_key_refused"),
    "another model": (openai.error(404, "model 'x' not found", kind="x"), PermanentError, "provider_model_unknown"),
    "another address": (Reply(body="<html>A page for people</html>"), PermanentError, "provider_refused"),
    "too long": (openai.error(400, "maximum context length is 512", kind="x"), PermanentError, "provider_refused"),
}


def error_of(embedder: Embedder) -> QuireError:
    with pytest.raises(QuireError) as caught:
        embedder.embed_query("moon")
    return caught.value


@pytest.mark.parametrize("case", GEMINI)
def test_each_failure_of_gemini_is_one_of_our_errors(gemini_server: GeminiServer, case: str) -> None:
    reply, kind, code = GEMINI[case]
    gemini_server.fail_next(reply)
    error = error_of(gemini_embedder(gemini_server))
    assert (type(error), error.code) == (kind, code)
    assert len(gemini_server.calls) == 1  # tried again by us alone


@pytest.mark.parametrize("case", OPENAI)
def test_each_failure_of_openai_is_one_of_our_errors(openai_server: OpenAIServer, case: str) -> None:
    reply, kind, code = OPENAI[case]
    openai_server.fail_next(reply)
    error = error_of(openai_embedder(openai_server))
    assert (type(error), error.code) == (kind, code)
    assert len(openai_server.calls) == 1


def test_a_rate_limit_waits_as_long_as_gemini_says(gemini_server: GeminiServer) -> None:
    gemini_server.fail_next(
        gemini.over_quota(retry_delay="38.5s"),
        gemini.over_quota(retry_delay="0s"),
        gemini.over_quota(retry_delay=None),
        gemini.error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    )
    embedder = gemini_embedder(gemini_server)
    errors = [error_of(embedder) for _ in range(4)]
    assert [error.retry_after_s for error in errors if isinstance(error, RateLimited)] == [38.5, 1, 20, 20]


def test_a_rate_limit_waits_as_long_as_openai_says(openai_server: OpenAIServer) -> None:
    openai_server.fail_next(
        openai.over_quota(headers={"Retry-After": "17"}),
        openai.over_quota(headers={"retry-after-ms": "2500", "Retry-After": "3"}),
        openai.over_quota(headers={"x-ratelimit-reset-requests": "1m12s", "x-ratelimit-remaining-requests": "0"}),
        openai.over_quota(),
    )
    embedder = openai_embedder(openai_server)
    errors = [error_of(embedder) for _ in range(4)]
    assert [error.retry_after_s for error in errors if isinstance(error, RateLimited)] == [17, 2.5, 72, 20]


def test_after_a_failure_the_same_embedder_works_again(gemini_server: GeminiServer) -> None:
    embedder = gemini_embedder(gemini_server)
    gemini_server.fail_next(gemini.overloaded(), Reply(is_dropped=True))
    for _ in range(2):
        error_of(embedder)
    assert embedder.embed_query("moon").shape == (768,)


def test_a_provider_that_does_not_answer_in_time_is_a_failure_that_may_pass(
    gemini_server: GeminiServer, openai_server: OpenAIServer
) -> None:
    for server in (gemini_server, openai_server):
        server.fail_next(Reply(delay_s=2))
    for error in (
        error_of(gemini_embedder(gemini_server, timeout_s=0.2)),
        error_of(openai_embedder(openai_server, timeout_s=0.2)),
    ):
        assert type(error) is TransientError
        assert "within 0.2 s" in error.message


def test_a_provider_that_is_not_there_is_a_failure_that_may_pass(
    gemini_server: GeminiServer, openai_server: OpenAIServer
) -> None:
    gone = [gemini_embedder(gemini_server), openai_embedder(openai_server)]
    for server in (gemini_server, openai_server):
        server.shutdown()
        server.server_close()
    assert [type(error_of(embedder)) for embedder in gone] == [TransientError, TransientError]


def test_the_sentence_for_another_key_or_model_names_the_setting(openai_server: OpenAIServer) -> None:
    assert "OPENAI_API_KEY" in error_of(openai_embedder(openai_server, api_key="sk-of-somebody-else")).message
    assert "QUIRE_EMBEDDING_MODEL" in error_of(openai_embedder(openai_server, model="no-such")).message


def test_why_a_key_may_not_is_passed_on(gemini_server: GeminiServer) -> None:
    gemini_server.fail_next(gemini.error(403, "PERMISSION_DENIED", "Generative Language API is disabled. Enable it."))
    message = error_of(gemini_embedder(gemini_server)).message
    assert "GEMINI_API_KEY" in message
    assert "Enable it." in message


def test_no_key_is_told_by_error_log_or_name(
    gemini_server: GeminiServer, openai_server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    key = "secret-not-to-be-told"
    embedders = [gemini_embedder(gemini_server, api_key=key), openai_embedder(openai_server, api_key=key)]
    told = [
        openai.error(400, f"You sent {key}, not sk-not-to-be-told*****2345", kind="x"),
        gemini.error(400, "X", f"Not {key}"),
    ]
    with caplog.at_level(logging.DEBUG):
        errors = [error_of(embedder) for embedder in embedders]
        openai_server.fail_next(told[0])
        gemini_server.fail_next(told[1])
        errors += [error_of(embedder) for embedder in embedders]
    said = [*("".join(traceback.format_exception(error)) for error in errors), *map(repr, embedders)]
    said += [record.getMessage() for record in caplog.records if record.name.startswith("quire")]
    assert len(errors) == 4
    assert not [text for text in said if "not-to-be-told" in text]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20ms", 0.02),
        ("1s", 1),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("7", 7),
        ("", None),
        ("soon", None),
        ("1m x", None),
    ],
)
def test_a_duration_as_go_writes_it_is_read(text: str, seconds: float | None) -> None:
    assert duration_s(text) == (None if seconds is None else pytest.approx(seconds))


def test_retry_after_may_be_a_date() -> None:
    assert retry_after_s({"retry-after": formatdate(time() + 3600, usegmt=True)}) == pytest.approx(3600, abs=60)
    assert retry_after_s({"retry-after": formatdate(time() - 3600, usegmt=True)}) == 0
    assert retry_after_s({"retry-after": "tomorrow"}) is None


def test_of_two_quotas_the_one_that_is_empty_decides() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "900",
        "x-ratelimit-reset-tokens": "50s",
    }
    assert retry_after_s(headers) == 2
    assert retry_after_s(headers | {"x-ratelimit-remaining-requests": "1"}) == 50
