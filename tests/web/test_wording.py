"""How a document stands, in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from quire.documents import lifecycle, reports
from quire.documents.models import Document, Ingestion
from quire.web.wording import ago, countdown, duration, standing

Put = Callable[..., Document]


@pytest.fixture
def document(put: Put) -> Document:
    return put("Some text.", is_worked_on=False)


def said(document: Document, **changes: object) -> str:
    Ingestion.objects.update(**changes)
    return standing(reports.report(document))


def test_what_waits_says_its_place_in_line(document: Document, put: Put) -> None:
    assert said(document) == "Waiting to begin, next in line"
    second = put("Another text.", is_worked_on=False)
    assert standing(reports.report(second)) == "Waiting to begin, number 2 in line"


def test_what_waits_says_when_it_will_begin_once_that_is_known(document: Document, put: Put) -> None:
    put("Done.", is_worked_on=False)
    runs = Ingestion.objects.exclude(document=document)
    runs.update(status="completed", timings={"embedding": 15.0}, finished_at=lifecycle.in_s(3600), lease_owner="host:1")
    assert standing(reports.report(document)) == "Waiting to begin, next in line, in about 15 s"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stage": "downloading"}, "Fetching the file"),
        ({"stage": "extracting", "pages_done": 2, "pages_total": 10}, "Reading page 3 of 10"),
        ({"stage": "embedding", "chunks_done": 8, "chunks_total": 8}, "Indexing passage 8 of 8"),
        (
            {"stage": "embedding", "chunks_done": 10, "chunks_total": 50, "timings": {"embedding": 5.0}},
            "Indexing passage 11 of 50, about 20 s left",
        ),
    ],
)
def test_what_is_worked_on_says_how_far_it_is(document: Document, changes: dict[str, object], sentence: str) -> None:
    assert said(document, status="running", **changes) == sentence


def test_what_failed_for_now_says_when_it_is_tried_again(document: Document) -> None:
    soon = timezone.now() + timedelta(seconds=30.5)
    sentence = said(document, attempts=2, error_code="x", error_message="The store is away.", next_attempt_at=soon)
    assert sentence == "Retry 2 of 3 in 30 s"


def test_what_lies_ahead_is_said_without_tenths_of_a_second(document: Document) -> None:
    soon = timezone.now() + timedelta(seconds=9.5)
    sentence = said(document, attempts=1, error_code="x", error_message="The store is away.", next_attempt_at=soon)
    assert re.fullmatch(r"Retry 1 of 3 in \d s", sentence)


def test_what_waits_for_a_provider_says_for_whom_and_how_long(document: Document) -> None:
    later = timezone.now() + timedelta(minutes=5, seconds=1)
    sentence = said(document, error_code="rate_limited", waiting_for="provider quota", next_attempt_at=later)
    assert sentence == "Waiting 5 min for provider quota"


def test_a_browser_is_told_what_to_count_down_to(document: Document) -> None:
    later = timezone.now() + timedelta(seconds=30.5)
    assert countdown(reports.report(document)) is None
    said(document, attempts=2, error_code="x", error_message="The store is away.", next_attempt_at=later)
    until = countdown(reports.report(document))
    assert until
    assert until.text == "Retry 2 of 3 in {s} s"
    assert 25 < until.left_s <= 30.5
    said(document, error_code="rate_limited", waiting_for="provider quota", next_attempt_at=later)
    until = countdown(reports.report(document))
    assert until
    assert until.text == "Waiting for provider quota until {time}"


def test_what_is_ready_says_how_long_it_took(put: Put) -> None:
    assert standing(reports.report(put("Some text."))).startswith("done in ")


def test_durations_and_ages_are_said_as_people_say_them() -> None:
    assert [duration(s) for s in (0.42, 12.7, 89, 90, 7000)] == ["0.4 s", "12 s", "89 s", "2 min", "2 h"]
    assert ago(timezone.now()) == "just now"
    assert ago(timezone.now() - timedelta(hours=3, minutes=20)).replace("\xa0", " ") == "3 hours ago"
