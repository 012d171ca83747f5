"""Passages that are longer than the embedding model reads: the document says so among its warnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from quire import registry
from quire.core.errors import TransientError
from quire.core.types import Vectors
from quire.documents import ingestion, reports
from quire.documents.ingestion import Result
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.testing.embedder import HashingEmbedder

Submit = Callable[..., Submission]


class ShortSighted(HashingEmbedder):
    """Reads so many tokens of a text."""

    def __init__(self, *, text_tokens: int) -> None:
        super().__init__()
        self.text_tokens = text_tokens


class Interrupted(ShortSighted):
    """Fails once."""

    fails = 1

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if self.fails:
            self.fails -= 1
            raise TransientError("Away.")
        return super().embed_documents(texts)


def warnings(submission: Submission) -> list[str]:
    return list(reports.report(submission.document).run.warnings)


def test_passages_that_are_not_read_to_their_end_are_among_the_warnings(submit: Submit) -> None:
    submission = submit()
    with registry.using(embedder=ShortSighted(text_tokens=50)):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.COMPLETED
    chunks = reports.report(submission.document).chunks
    (warning,) = warnings(submission)
    told = f"{(chunks or 0) - 1} of {chunks} passages are longer than the 50 tokens that the embedding model reads"
    assert warning.startswith(told), "all but the last, which is what was left"


@pytest.mark.parametrize("text_tokens", [None, 256])
def test_passages_that_are_read_whole_are_not(submit: Submit, text_tokens: int | None) -> None:
    submission = submit()
    embedder = HashingEmbedder() if text_tokens is None else ShortSighted(text_tokens=text_tokens)
    with registry.using(embedder=embedder):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.COMPLETED
    assert warnings(submission) == []


def test_the_warning_is_given_once_when_the_work_goes_on_after_an_error(submit: Submit) -> None:
    submission = submit()
    with registry.using(embedder=Interrupted(text_tokens=50)):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.PUT_BACK
        assert len(warnings(submission)) == 1
        Ingestion.objects.update(next_attempt_at=None)
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.COMPLETED
    assert len(warnings(submission)) == 1
