"""The list of jobs: what each run was asked to do, and how it stands."""

from __future__ import annotations

import hashlib
from typing import get_args

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
    """The newest jobs, those of one status with `status=`; asked for by htmx, their table alone, or nothing (204) when
    it would be the one `seen`: what is exchanged loses focus and selection."""
    statuses: tuple[tasks.TaskStatus, ...] = get_args(tasks.TaskStatus)
    wanted = next((status for status in statuses if status == request.GET.get("status")), None)
    newest = tasks.runs_of(caller.tenant, status=wanted).order_by("-created_at", "-id")[:JOBS_AT_ONCE]
    reports = [tasks.report(run) for run in newest]
    seen = hashlib.sha256(repr(reports).encode()).hexdigest()[:16]
    is_fragment = bool(request.headers.get("HX-Request"))
    if is_fragment and request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    template = "web/fragments/jobs.html" if is_fragment else "web/jobs.html"
    context = {
        "jobs": reports,
        "seen": seen,
        "at_once": JOBS_AT_ONCE,
        "statuses": statuses,
        "wanted": wanted,
    }
    return render(request, template, context)
