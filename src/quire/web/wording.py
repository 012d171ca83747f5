"""How a document stands, in one sentence for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext

from quire.core import media_types
from quire.documents.reports import DocumentReport, RunReport

MAX_ATTEMPTS = 4
"""The first and its three retries."""


def standing(report: DocumentReport) -> str:
    """What a person should know now; empty when it failed, since the error then says it."""
    if report.pending and report.pending.status == "failed":
        reason = report.pending.error.message if report.pending.error else ""
        return gettext("The new version failed, and the earlier one still answers. %(reason)s") % {"reason": reason}
    if report.pending:
        return gettext("New version: %(work)s") % {"work": _work(report.pending)}
    if report.status == "completed":
        return _done(report)
    return _work(report.run) if report.status == "processing" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """A sentence that a browser keeps true: it puts the seconds left, or the hour of its own clock, in its place."""

    left_s: float
    text: str
    """With `{s}`, or with `{time}`."""


def countdown(report: DocumentReport) -> Countdown | None:
    """What the sentence of a run that waits for a moment counts down to; None where it waits for no moment."""
    run = report.pending or report.run
    if run.status != "queued" or run.retry_at is None:
        return None
    left_s = max(0.0, (run.retry_at - timezone.now()).total_seconds())
    if run.waiting_for:
        text = gettext("Waiting for %(what)s until {time}") % {"what": run.waiting_for.replace("{", "(")}
        return Countdown(left_s=left_s, text=text)
    numbers = {"n": run.attempts, "of": MAX_ATTEMPTS - 1}
    return Countdown(left_s=left_s, text=gettext("Retry %(n)d of %(of)d in {s} s") % numbers)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 10:
        return gettext("%(s).1f s") % {"s": seconds}
    if seconds < 90:
        return gettext("%(s)d s") % {"s": seconds}
    if seconds < 90 * 60:
        return gettext("%(min)d min") % {"min": round(seconds / 60)}
    return gettext("%(h)d h") % {"h": round(seconds / 3600)}


def ago(moment: datetime) -> str:
    """How long since, roughly."""
    if (timezone.now() - moment).total_seconds() < 60:
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(moment, depth=1)}


def kind(media_type: str) -> str:
    """A media type as people call it."""
    return _KINDS.get(media_type, media_type)


def _done(report: DocumentReport) -> str:
    total_s = report.run.timings.get("total_s")
    return gettext("done in %(time)s") % {"time": duration(total_s)} if total_s else ""


def _work(run: RunReport) -> str:
    if run.status == "queued":
        return _waiting(run)
    work = _stage(run)
    if run.progress.eta_s is not None and run.progress.eta_s >= 1:
        return gettext("%(work)s, about %(time)s left") % {"work": work, "time": _roughly(run.progress.eta_s)}
    return work


def _waiting(run: RunReport) -> str:
    wait_s = (run.retry_at - timezone.now()).total_seconds() if run.retry_at else 0.0
    if run.waiting_for and wait_s > 0:
        return gettext("Waiting %(time)s for %(what)s") % {"time": _roughly(wait_s), "what": run.waiting_for}
    if run.attempts and run.error:
        numbers = {"n": run.attempts, "of": MAX_ATTEMPTS - 1, "time": _roughly(max(0.0, wait_s))}
        return gettext("Retry %(n)d of %(of)d in %(time)s") % numbers
    place = run.queue_position or 1
    line = gettext("next in line") if place == 1 else gettext("number %(n)d in line") % {"n": place}
    if run.progress.eta_s is not None and run.progress.eta_s >= 1:
        said = {"line": line, "time": _roughly(run.progress.eta_s)}
        return gettext("Waiting to begin, %(line)s, in about %(time)s") % said
    return gettext("Waiting to begin, %(line)s") % {"line": line}


def _roughly(seconds: float) -> str:
    """What lies ahead knows no tenths of a second."""
    return gettext("%(s)d s") % {"s": seconds} if seconds < 90 else duration(seconds)


def _stage(run: RunReport) -> str:
    done = run.progress
    if run.stage == "extracting" and done.pages_total:
        return gettext("Reading page %(n)d of %(of)d") % {
            "n": min(done.pages_done + 1, done.pages_total),
            "of": done.pages_total,
        }
    if run.stage == "embedding" and done.chunks_total:
        return gettext("Indexing passage %(n)d of %(of)d") % {
            "n": min(done.chunks_done + 1, done.chunks_total),
            "of": done.chunks_total,
        }
    return {
        "downloading": gettext("Fetching the file"),
        "extracting": gettext("Opening the file"),
        "chunking": gettext("Cutting the text into passages"),
        "embedding": gettext("Indexing passages"),
        "indexing": gettext("Checking the index"),
    }.get(run.stage, gettext("Working"))


_KINDS = {
    media_types.PDF: "PDF",
    media_types.DOCX: "Word",
    media_types.HTML: "HTML",
    media_types.MARKDOWN: "Markdown",
    media_types.TEXT: "Text",
}
