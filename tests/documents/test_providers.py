"""Documents whose vectors, and answers, come from a provider's API over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.backends.model_servers import (
    gemini_embedder,
    gemini_model,
    gemini_server,
    openai_embedder,
    openai_model,
    openai_server,
)

from quire import registry
from quire.chat.services import AskResult, ask
from quire.documents import ingestion, reports
from quire.documents.ingestion import Result
from quire.documents.services import Submission
from quire.tenants.services import Caller
from quire.testing import gemini_server as gemini
from quire.testing.embedder import HashingEmbedder
from quire.testing.gemini_server import GeminiServer
from quire.testing.openai_server import OpenAIServer

__all__ = ["gemini_server", "openai_server"]

Submit = Callable[..., Submission]
DIMENSIONS = HashingEmbedder().dimensions


@contextmanager
def provided(server: GeminiServer | OpenAIServer) -> Iterator[None]:
    """Embeddings and answers by this server."""
    if isinstance(server, GeminiServer):
        embedder, model = gemini_embedder(server, dimensions=DIMENSIONS), gemini_model(server)
        with registry.using(embedder=embedder, chat_model=model):
            yield
    else:
        with registry.using(embedder=openai_embedder(server, dimensions=DIMENSIONS), chat_model=openai_model(server)):
            yield


@pytest.mark.parametrize("provider", ["gemini_server", "openai_server"])
def test_a_document_is_taken_in_and_asked_through_a_provider(
    provider: str, submit: Submit, caller: Caller, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(provider)
    submission = submit()
    with provided(server):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.COMPLETED
        result = answered(caller, submission, "What does topic17 speak of?")
    (citation,) = result.answer.citations
    assert result.answer.grounded
    assert citation.verified
    assert "topic17" in citation.quote
    assert result.answer.model in {"gemini-3.5-flash-lite", "gpt-6-luna"}


@pytest.mark.parametrize("provider", ["gemini_server", "openai_server"])
def test_what_is_not_in_the_document_is_said_not_to_be_there(
    provider: str, submit: Submit, caller: Caller, request: pytest.FixtureRequest
) -> None:
    submission = submit()
    with provided(request.getfixturevalue(provider)):
        ingestion.run(task_id=submission.ingestion.task_id)
        result = answered(caller, submission, "Which bicycle won yesterday?")
    assert not result.answer.grounded
    assert result.answer.citations == ()


def test_a_rate_limit_waits_as_the_provider_says_and_burns_no_attempt(
    submit: Submit, gemini_server: GeminiServer
) -> None:
    submission = submit()
    gemini_server.fail_next(gemini.over_quota(retry_delay="3600s"))
    with provided(gemini_server):
        outcome = ingestion.run(task_id=submission.ingestion.task_id)
    assert outcome.result is Result.PUT_BACK
    run = reports.report(submission.document).run
    assert (run.attempts, run.waiting_for) == (0, "the quota at Gemini")
    assert run.retry_at is not None
    assert run.retry_at - submission.document.created_at > timedelta(seconds=3500)


def test_a_spent_quota_fails_at_once_and_can_be_tried_again_by_a_person(
    submit: Submit, gemini_server: GeminiServer
) -> None:
    submission = submit()
    gemini_server.fail_next(gemini.over_quota(quota="EmbedContentRequestsPerDayPerProjectPerModel"))
    with provided(gemini_server):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.FAILED
    error = reports.report(submission.document).run.error
    assert error is not None
    assert (error.code, error.retryable) == ("provider_quota_spent", True)


def answered(caller: Caller, submission: Submission, question: str) -> AskResult:
    stream = ask(caller=caller, question=question, document_ids=[submission.document.id])
    list(stream)
    return stream.result
