"""What a worker holds while it works; `lifecycle.py` gives it and takes it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


class BegunAnew(Exception):
    """The lease was given up: another run of the same task goes on in this one's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write to one ingestion until it expires or somebody raises the generation."""

    ingestion_id: UUID
    document_id: UUID
    tenant_id: UUID
    generation: int
