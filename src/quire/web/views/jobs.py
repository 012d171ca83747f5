"""The list of jobs: what each run was asked to do, and how it stands."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from quire.documents import tasks
from quire.tenants.services import Caller
from quire.web.callers import caller_required

JOBS_AT_ONCE = 100


@require_safe
@caller_required
def jobs(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The newest jobs; asked for by htmx, their table alone."""
    newest = tasks.runs_of(caller.tenant).order_by("-created_at", "-id")[:JOBS_AT_ONCE]
    template = "web/fragments/jobs.html" if request.headers.get("HX-Request") else "web/jobs.html"
    return render(request, template, {"jobs": [tasks.report(run) for run in newest], "at_once": JOBS_AT_ONCE})
