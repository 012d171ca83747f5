"""What the tenant keeps and asks, of what it may."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from quire.documents import admission
from quire.tenants import quotas
from quire.tenants.services import Caller
from quire.web.callers import caller_required


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How much is used, None where nobody counts; of how much, None where there is no limit."""

    used: int | None
    limit: int | None

    @property
    def is_nearly_full(self) -> bool:
        return bool(self.limit and self.used and self.used >= 0.9 * self.limit)

    @property
    def shown(self) -> int:
        """What a bar that ends at the limit can show."""
        return min(self.used or 0, self.limit or 0)


@require_safe
@caller_required
def usage(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Documents, bytes, and requests of this minute."""
    kept, room = admission.kept(caller.tenant), quotas.room(caller.tenant)
    requests = quotas.requests_this_minute(caller.tenant)
    context = {
        "documents": Gauge(used=kept.documents, limit=room.documents),
        "bytes": Gauge(used=kept.bytes, limit=room.bytes),
        "requests": Gauge(used=requests, limit=settings.ENV.max_requests_per_minute or None),
        "max_upload_bytes": settings.ENV.max_upload_bytes,
        "tenant": caller.tenant,
    }
    return render(request, "web/usage.html", context)
