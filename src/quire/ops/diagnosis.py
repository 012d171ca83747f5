"""Looks at each part that Quire stands on: is it there, does it answer, and what to do when not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError as BrokerError

from quire import registry
from quire.core.errors import QuireError
from quire.core.types import Turn
from quire.documents import files
from quire.environment import SECRETS, Environment, variable_name
from quire.ops import checks, database, local_model, redis_check
from quire.tenants import oidc

LITTLE_BYTES = 2 * 2**30
TOO_LITTLE_BYTES = 200 * 2**20
START = "Start Quire: `quire up`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an examination saw; `advice` is what to do, empty when nothing need be done."""

    part: str
    state: Literal["ok", "warn", "fail"]
    said: str
    advice: str = ""


def examine() -> Iterator[Result]:
    """Every examination's result, in order. A part that breaks in a way nobody foresaw is one that failed."""
    yield from _settings()
    for part, look in EXAMINATIONS.items():
        try:
            yield look(part)
        except (QuireError, DatabaseError, redis.RedisError, BrokerError, OSError, ImportError) as error:
            said = error.message if isinstance(error, QuireError) else f"{type(error).__name__}: {error}"
            yield Result(part=part, state="fail", said=said, advice=ADVICE[part])


def _settings() -> Iterator[Result]:
    """Those that were set; what could not be right would not have let us come so far."""
    for name, field in Environment.model_fields.items():
        value = getattr(settings.ENV, name)
        if value != field.default:
            variable = variable_name(field.validation_alias)
            shown = "set" if variable in SECRETS else value
            yield Result(part="setting", state="ok", said=f"{variable} = {shown}")


def _database(part: str) -> Result:
    database.check()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    said = f"{connection.vendor} answers"
    if advice := database.weaknesses():
        return Result(part=part, state="warn", said=said, advice=advice)
    return Result(part=part, state="ok", said=said)


def _migrations(part: str) -> Result:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Result(part=part, state="fail", said=f"{len(missing)} are missing", advice=ADVICE[part])
    return Result(part=part, state="ok", said="all are applied")


def _storage(part: str) -> Result:
    files.reach()
    if not files.probe():
        return Result(part=part, state="fail", said="what was written reads differently", advice=ADVICE[part])
    where = f"bucket {settings.ENV.s3_bucket}" if settings.ENV.s3_bucket else "folder"
    return Result(part=part, state="ok", said=f"{where}: writes, reads and deletes")


def _redis(part: str) -> Result:
    found = redis_check.look()
    return Result(part=part, state="warn" if found.advice else "ok", said=found.said, advice=found.advice)


def _workers(part: str) -> Result:
    from quire.celery import app

    names = sorted(app.control.inspect(timeout=1.5).ping() or {})
    if not names:
        return Result(part=part, state="warn", said="none answers", advice=f"{START}, or `quire worker`")
    return Result(part=part, state="ok", said=f"{len(names)} answer: {', '.join(names)}")


def _model(part: str) -> Result:
    if not local_model.is_used():
        return Result(part=part, state="ok", said=f"{settings.ENV.embedder} needs no local model")
    from quire.backends.embedders import minilm_build

    if not minilm_build.is_prepared(local_model.folder()):
        return Result(
            part=part, state="fail", said=f"is not whole in {local_model.folder()}", advice="Run `quire model prepare`"
        )
    return Result(part=part, state="ok", said=f"{local_model.folder()}")


def _embedder(part: str) -> Result:
    embedder = registry.embedder()
    vector = embedder.embed_query("Does it work?")
    if vector.shape != (embedder.dimensions,):
        return Result(part=part, state="fail", said=f"made {vector.shape} numbers", advice=ADVICE[part])
    return Result(part=part, state="ok", said=f"{embedder.id}, {embedder.dimensions} dimensions")


def _vector_store(part: str) -> Result:
    registry.vector_store().query("doctor", registry.embedder().embed_query("Does it work?"), limit=1)
    if foreign := checks.foreign_documents().count():
        return Result(
            part=part,
            state="fail",
            said=f"{foreign} documents were embedded by another model",
            advice="Run `quire reindex`",
        )
    return Result(part=part, state="ok", said=f"{settings.ENV.vector_store} answers")


def _keyword_index(part: str) -> Result:
    registry.keyword_index().query("doctor", "Does it work?", limit=1)
    return Result(part=part, state="ok", said="answers")


def _ocr(part: str) -> Result:
    engine = registry.ocr()
    if engine is None:
        return Result(
            part=part, state="warn", said="switched off", advice="Scans fail; unset QUIRE_OCR to have them read"
        )
    return Result(part=part, state="ok", said=engine.id)


def _chat_model(part: str) -> Result:
    model = registry.chat_model()
    if not model.is_generative:
        return Result(part=part, state="ok", said=f"{model.id}: answers are the documents' own sentences")
    model.rewrite(question="Does it work?", history=[Turn(question="Is this Quire?", answer="It is.")])
    return Result(part=part, state="ok", said=f"{model.id} answers")


def _sign_in(part: str) -> Result:
    if not oidc.is_used():
        return Result(part=part, state="ok", said="by password and by link")
    oidc.check()
    return Result(part=part, state="ok", said=f"by password, by link, and by {settings.ENV.oidc_issuer}, which answers")


def _disk(part: str) -> Result:
    free = shutil.disk_usage(settings.DATA_DIR).free
    state: Literal["ok", "warn", "fail"] = "ok"
    if free < LITTLE_BYTES:
        state = "warn" if free >= TOO_LITTLE_BYTES else "fail"
    advice = f"Make room on the disk of {settings.DATA_DIR}" if state != "ok" else ""
    return Result(part=part, state=state, said=f"{free / 2**30:.1f} GB free in {settings.DATA_DIR}", advice=advice)


EXAMINATIONS: dict[str, Callable[[str], Result]] = {
    "disk": _disk,
    "database": _database,
    "migrations": _migrations,
    "storage": _storage,
    "redis": _redis,
    "workers": _workers,
    "model": _model,
    "embedder": _embedder,
    "vector store": _vector_store,
    "keyword index": _keyword_index,
    "ocr": _ocr,
    "chat model": _chat_model,
    "sign-in": _sign_in,
}
ADVICE = {
    "disk": "See that the data folder is there, and may be written",
    "database": "See that DATABASE_URL is right and the database runs",
    "migrations": "Run `quire migrate`",
    "storage": "See that the folder, or the bucket, is there and may be written",
    "redis": f"{START}; or see that REDIS_URL is right and the server runs",
    "workers": f"{START}, or `quire worker`",
    "model": "Run `quire model prepare`",
    "embedder": "See QUIRE_EMBEDDER and the key of its provider; for the model of this machine, `quire model prepare`",
    "vector store": "Run `quire migrate`; for Pinecone see PINECONE_API_KEY, QUIRE_PINECONE_INDEX and its console",
    "keyword index": "Run `quire migrate`",
    "ocr": "See QUIRE_OCR; without it the best engine that is there is taken",
    "chat model": "See QUIRE_CHAT_MODEL and the key of its provider",
    "sign-in": "See QUIRE_OIDC_ISSUER: its /.well-known/openid-configuration must be reached from here",
}
