"""People, workers, crashes and time in any order, on the real services, database, stores, queue and pipeline.

A worker is stepped by hand: the pipeline itself runs until it has saved one batch, and goes on from there in the next
step, under the same lease. Set LONG_TESTS=1000 for so many other, longer histories.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from clean_slate import let_time_pass, wipe_everything
from django.db import connection
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from real_redis import RealRedis, task_id
from tests import stores
from tests.storage import stored_keys

from quire import registry
from quire.backends.chunkers.sentences import SentenceChunker
from quire.chat.search import search
from quire.core import pipeline, types
from quire.core.errors import LeaseLost, PermanentError, RateLimited, TransientError
from quire.documents import collector, dispatcher, ingestion, lifecycle, services
from quire.documents.lease import Lease
from quire.documents.models import Chunk, Document, Ingestion, Page, Status
from quire.documents.services import RefusedError, Submission, Upload
from quire.documents.workspace import DatabaseWorkspace
from quire.tenants.models import Tenant, User
from quire.tenants.services import create_tenant
from quire.testing.embedder import HashingEmbedder

CONTENTS = ("nutmeg", "clove", "mace", "saffron")
PAGES = pipeline.PAGES_PER_BATCH + 1
SENTENCES = 4
"""A page: with a chunk a sentence there are two batches of pages, and two of chunks."""
MAX_WORKERS = 3
HISTORIES = int(os.environ.get("LONG_TESTS", "0"))


class Pause(BaseException):
    """A batch is saved: the worker stops here until its next step."""


class SteppedWorkspace(DatabaseWorkspace):
    """Stops after each batch."""

    def save_pages(self, pages: list[types.Page], *, pages_total: int, title: str) -> None:
        super().save_pages(pages, pages_total=pages_total, title=title)
        if pages:
            raise Pause

    def save_chunks(self, chunks: list[types.Chunk], vectors: types.Vectors) -> None:
        super().save_chunks(chunks, vectors)
        raise Pause


class StoredPages:
    """Extracts what `text_of` wrote: pages with a form feed between them. A file that is gone cannot be read."""

    media_types = frozenset({"text/plain"})
    title = ""
    page_count = PAGES

    @contextmanager
    def open(self, path: Path, *, media_type: str) -> Iterator[StoredPages]:
        self._texts = path.read_text().split("\n\n")
        yield self

    def pages(self, *, first: int = 1) -> Iterator[types.Page]:
        for number, text in enumerate(self._texts[first - 1 :], start=first):
            yield types.Page(number=number, text=text, origin=types.Origin.TEXT_LAYER)


@dataclass
class Worker:
    """A process at work under a lease, which it may have lost without knowing."""

    lease: Lease
    desk: SteppedWorkspace | None = field(default=None)

    def step(self) -> bool:
        """Save one batch. True when the document is complete."""
        try:
            pipeline.process(
                self._desk(), extractor=registry.extractor(), chunker=registry.chunker(), embedder=registry.embedder()
            )
        except Pause:
            return False
        lifecycle.complete(self.lease)
        return True

    def _desk(self) -> SteppedWorkspace:
        if self.desk is None:
            parts = {"vectors": registry.vector_store(), "keywords": registry.keyword_index()}
            try:
                self.desk = SteppedWorkspace(self.lease, **parts, check=lambda: None, on_step=lambda _: None)
            except Ingestion.DoesNotExist:
                raise LeaseLost from None
            chunker, embedder = registry.chunker(), registry.embedder()
            fingerprint = f"{ingestion.EXTRACTION_ID}|{chunker.id}|{embedder.id}"
            self.desk.bind(fingerprint=fingerprint, embedder_id=embedder.id, dimensions=embedder.dimensions)
        return self.desk

    @property
    def is_stale(self) -> bool:
        held = {"id": self.lease.ingestion_id, "generation": self.lease.generation, "status": "running"}
        return not Ingestion.objects.filter(**held).exists()


def _put_back(worker: Worker, error: TransientError) -> bool:
    lifecycle.put_back(worker.lease, error)
    return True


def _fail(worker: Worker) -> bool:
    lifecycle.fail(worker.lease, PermanentError("It is broken."))
    return True


def _release(worker: Worker) -> bool:
    lifecycle.release(worker.lease)
    return True


ENDS: dict[str, Callable[[Worker], bool]] = {
    "transient": lambda worker: _put_back(worker, TransientError("The store is away.")),
    "limited": lambda worker: _put_back(worker, RateLimited("Slow down.", retry_after_s=60)),
    "permanent": _fail,
    "release": _release,
}


PEOPLE = ("upload", "replace", "delete", "retry", "reindex", "search")
EVENTS = (
    *("upload", "upload", "replace", "replace", "delete", "retry", "retry", "reindex", "reindex", "search"),
    *("take", "take", "take", "take", "time", "time", "wiped", "message again", "collect"),
    *("work", "work", "work", "work", "work", "work", "work", "work", "heartbeat"),
    *("transient", "limited", "permanent", "permanent", "permanent", "release", "crash"),
)
"""As often as they stand here."""


def text_of(content: str) -> str:
    pages = (
        " ".join(f"{content.title()} {page} {n} is a spice of its own kind." for n in range(SENTENCES))
        for page in range(1, PAGES + 1)
    )
    return "\n\n".join(pages)


def chunks_of(content: str) -> list[str]:
    """The texts of all chunks of a whole ingestion of this content, in order."""
    pages = [
        types.Page(number=n, text=text, origin=types.Origin.TEXT_LAYER)
        for n, text in enumerate(text_of(content).split("\n\n"), start=1)
    ]
    return [chunk.text for chunk in registry.chunker().chunk(pages)]


SHA256 = {content: hashlib.sha256(text_of(content).encode()).hexdigest() for content in CONTENTS}


class Documents(RuleBasedStateMachine):
    """`accepted` and `deleted` are what was promised; the database is held to it after every step."""

    broker: RealRedis
    folder: Path
    seen: Counter[str]

    @initialize(has_one=st.booleans())
    def begin(self, has_one: bool) -> None:
        wipe_everything()
        self.broker.client.flushall()
        caller = create_tenant(name="Spice traders", username="anna")
        self.tenant: Tenant = caller.tenant
        self.user: User = caller.user
        self.accepted: dict[UUID, list[str]] = {}
        """The contents that a document was given, in order."""
        self.shown: dict[UUID, int] = {}
        """The version that a document last answered from."""
        self.deleted: set[UUID] = set()
        self.workers: list[Worker] = []
        self.seen["histories"] += 1
        self.last_message: bytes | None = None
        self.expected = {SHA256[content]: chunks_of(content) for content in CONTENTS}
        if has_one:
            self._upload(CONTENTS[0], None)
            self._take()
            while not self._act(0, Worker.step):
                pass

    @rule(event=st.sampled_from(EVENTS), content=st.sampled_from(CONTENTS), number=st.integers(0, MAX_WORKERS - 1))
    def something_happens(self, event: str, content: str, number: int) -> None:
        """One rule for all, since Hypothesis leaves some rules out of each history, and without one nothing moves."""
        document_id = Document.objects.living().filter(sha256=SHA256[content]).values_list("id", flat=True).first()
        worker = number % len(self.workers) if self.workers else None
        if event in PEOPLE:
            self._somebody_asks(event, content, document_id)
        elif event == "take" or (event == "work" and worker is None):
            self._take()
        elif event == "time":
            let_time_pass((3, 31, 61)[number])
            self.seen["swept"] += lifecycle.sweep()
        elif event == "wiped":
            self.broker.client.flushall()
        elif event == "message again":
            if self.last_message:
                self.broker.put(self.last_message)
        elif event == "collect":
            collector.collect()
        elif worker is not None:
            self._a_worker(event, worker)

    def _somebody_asks(self, event: str, content: str, document_id: UUID | None) -> None:
        if event == "search":
            self._search(content)
        elif event == "upload":
            self._upload(content, document_id)
        elif document_id is None:
            self._nothing_is_there()
        elif event == "delete":
            services.delete(tenant=self.tenant, document_id=document_id)
            del self.accepted[document_id]
            self.deleted.add(document_id)
        elif event == "replace":
            self._replace(CONTENTS[-1 - CONTENTS.index(content)], document_id)
            if Document.objects.filter(id=document_id, status=Status.COMPLETED):
                self._upload(content, document_id)
        else:
            self._retry_or_reindex(event, document_id)

    def _a_worker(self, event: str, worker: int) -> None:
        if event == "crash":
            self.workers.pop(worker)
        elif event == "heartbeat":
            was_stale = self.workers[worker].is_stale
            assert lifecycle.renew(self.workers[worker].lease) is not was_stale
        elif event == "work":
            for _ in range(2):
                if self._act(worker, Worker.step):
                    break
        else:
            self._act(worker, ENDS[event])
        self.seen[event] += 1

    def _upload(self, content: str, known: UUID | None) -> None:
        has_failed = known is not None and Document.objects.get(id=known).status == Status.FAILED
        if Ingestion.objects.filter(document=known, status__in=["queued", "running"]).exclude(sha256=SHA256[content]):
            with pytest.raises(RefusedError, match="being given another"):
                self._submit(content)
            self.seen["being replaced"] += 1
            return
        submission = self._submit(content)
        assert submission.is_duplicate == (known is not None and not has_failed)
        assert known in {None, submission.document.id}
        assert submission.document.id not in self.deleted
        self.accepted.setdefault(submission.document.id, []).append(content)

    def _replace(self, content: str, document_id: UUID) -> None:
        other = Document.objects.living().filter(sha256=SHA256[content]).exclude(id=document_id).exists()
        call = partial(services.replace, tenant=self.tenant, document_id=document_id, upload=self._file(content))
        if other:
            with pytest.raises(PermanentError, match="same content"):
                call()
        else:
            self.seen["replace"] += not call().is_duplicate
            self.accepted[document_id].append(content)

    def _retry_or_reindex(self, what: str, document_id: UUID) -> None:
        """Of a document that allows it, where there is one; else of this one, which must refuse."""
        call = {"retry": services.retry, "reindex": services.reindex}[what]
        living = Document.objects.living().order_by("created_at")
        if what == "retry":
            allowed = [it for it in living if services.newest(it).status == Ingestion.Status.FAILED]
        else:
            allowed = list(living.filter(status=Status.COMPLETED))
        if not allowed:
            with pytest.raises(RefusedError, match=r"[Oo]nly a"):
                call(tenant=self.tenant, document_id=document_id)
        else:
            assert not call(tenant=self.tenant, document_id=allowed[0].id).is_duplicate
            self.seen[what] += 1

    def _nothing_is_there(self) -> None:
        for gone in self.deleted:
            for call in (services.get, services.retry, services.reindex, services.delete):
                with pytest.raises(RefusedError, match="no such document"):
                    call(tenant=self.tenant, document_id=gone)

    def _search(self, content: str) -> None:
        hits = search(tenant=self.tenant, query=f"{content} spice", limit=3)
        answering = dict(Document.objects.living().exclude(active_ingestion=None).values_list("id", "sha256"))
        assert len(hits) == (3 if answering else 0)
        for hit in hits:
            assert hit.document_id in answering
            assert hit.text == self.expected[answering[hit.document_id]][hit.ordinal]

    def _take(self) -> None:
        # How slow this machine is must not decide what is on its way still.
        Ingestion.objects.update(dispatched_at=F("dispatched_at") - timedelta(seconds=dispatcher.TAKEN_WITHIN_S + 1))
        if not dispatcher.dispatch():
            let_time_pass(11)  # what was lost is sent again
            dispatcher.dispatch()
        assert (
            len(set(self.broker.task_ids())) <= dispatcher.MAX_SENT + 1
        )  # one may have come again, any number of times
        while len(self.workers) < MAX_WORKERS and (message := self.broker.take()):
            self.last_message = message
            if lease := lifecycle.claim(task_id=task_id(message), owner="worker"):
                self.workers.append(Worker(lease))
                self.seen["claimed"] += 1
                return

    # What must hold at every moment

    @invariant()
    def every_accepted_document_is_there_once(self) -> None:
        rows = Document.objects.living().values_list("id", "status")
        assert {pk for pk, _ in rows} == set(self.accepted)

    @invariant()
    def the_status_is_true(self) -> None:
        for document in Document.objects.living().select_related("active_ingestion"):
            newest = services.newest(document)
            match document.status:
                case Status.PROCESSING:
                    assert not newest.is_final
                    assert document.active_ingestion is None
                case Status.FAILED:
                    assert (newest.status, bool(newest.error_message)) == ("failed", True)
                    assert document.active_ingestion is None
                case Status.COMPLETED:
                    assert document.active_ingestion is not None
                    assert document.active_ingestion.status == "completed"
                    self._later_wins(document.active_ingestion, newest)
        assert not Ingestion.objects.filter(attempts__gt=4).exists()

    def _later_wins(self, active: Ingestion, newest: Ingestion) -> None:
        assert active.version >= self.shown.get(active.document_id, 0)
        assert active == newest or newest.status != "completed"
        self.shown[active.document_id] = active.version

    @invariant()
    def what_is_visible_is_one_whole_ingestion_of_each_document(self) -> None:
        shown: dict[UUID, list[str]] = {}
        visible = Chunk.objects.for_tenant(self.tenant).visible().order_by("ordinal")
        for document_id, text in visible.values_list("ingestion__document_id", "text"):
            shown.setdefault(document_id, []).append(text)
        active = Document.objects.living().exclude(active_ingestion=None)
        contents = dict(active.values_list("id", "active_ingestion__sha256"))
        assert set(shown) == set(contents)
        for document_id, texts in shown.items():
            assert texts == self.expected[contents[document_id]]
            assert contents[document_id] in {SHA256[content] for content in self.accepted[document_id]}

    def teardown(self) -> None:
        if hasattr(self, "accepted"):
            self._come_to_rest()
            self._leave_nothing_behind()

    def _come_to_rest(self) -> None:
        """Every worker is killed and Redis wiped; then the machinery goes on until all is over."""
        self.broker.client.flushall()
        for _ in range(30):
            let_time_pass(61)
            lifecycle.sweep()
            dispatcher.dispatch()
            while message := self.broker.take():
                ingestion.run(task_id=task_id(message))
            if not Ingestion.objects.filter(status__in=["queued", "running"]).exists():
                break
        assert set(Document.objects.living().values_list("status", flat=True)) <= {"completed", "failed"}
        self.every_accepted_document_is_there_once()
        self.the_status_is_true()
        self.what_is_visible_is_one_whole_ingestion_of_each_document()

    def _leave_nothing_behind(self) -> None:
        while collector.collect():
            pass
        self._holds_just(
            set(Document.objects.exclude(active_ingestion=None).values_list("active_ingestion", flat=True))
        )
        for document_id in list(self.accepted):
            services.delete(tenant=self.tenant, document_id=document_id)
        while collector.collect():
            pass
        self._holds_just(set())
        assert not Document.objects.exists()

    def _holds_just(self, ingestions: set[UUID]) -> None:
        """Rows, vectors, keywords and files are those of these ingestions, and of documents that failed the file."""
        assert set(Chunk.objects.values_list("ingestion_id", flat=True)) == ingestions
        assert set(Page.objects.values_list("ingestion_id", flat=True)) == ingestions
        assert {UUID(pk) for pk in registry.vector_store().ingestion_ids(str(self.tenant.id))} == ingestions
        assert stores.keyword_ingestions() == ingestions
        keys = {services.newest(document).storage_key for document in Document.objects.all()}
        keys |= set(Ingestion.objects.filter(id__in=ingestions).values_list("storage_key", flat=True))
        assert stored_keys() == keys

    def _submit(self, content: str) -> Submission:
        return services.submit(tenant=self.tenant, user=self.user, upload=self._file(content))

    def _file(self, content: str) -> Upload:
        path = self.folder / "upload"
        path.write_text(text_of(content))
        return Upload(path=path, name=f"{content}.txt", sha256=SHA256[content], bytes=path.stat().st_size)

    def _act(self, number: int, act: Callable[[Worker], bool]) -> bool:
        """Let a worker do something. True when it has nothing more to do; a stale one must not have changed a thing."""
        worker = self.workers[number]
        was_stale, before = worker.is_stale, _everything() if worker.is_stale else None
        try:
            is_over = act(worker)
        except LeaseLost:
            assert was_stale
            is_over = True
        else:
            assert not was_stale
        if was_stale:
            assert _everything() == before
            self.seen["stale"] += 1
        if is_over:
            self.workers.pop(number)
        return is_over


def _everything() -> list[object]:
    """All that a stale worker could have changed."""
    rows = [list(model.objects.order_by("pk").values_list()) for model in (Document, Ingestion, Page, Chunk)]
    return [*rows, stores.all_rows()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(36_000 if HISTORIES else 600)
def test_any_history_loses_nothing_doubles_nothing_and_shows_nothing_it_should_not(
    broker: RealRedis, tmp_path: Path
) -> None:
    embedder = HashingEmbedder()
    vectors, keywords = stores.DatabaseVectorStore(), stores.DatabaseKeywordIndex()
    vectors.prepare(dimensions=embedder.dimensions)
    keywords.prepare()
    Documents.broker = broker
    Documents.folder = tmp_path
    Documents.seen = Counter()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")  # no power is cut here
    with ExitStack() as stack:
        stack.enter_context(
            registry.using(
                vector_store=vectors,
                keyword_index=keywords,
                embedder=embedder,
                extractor=StoredPages(),
                chunker=SentenceChunker(tokenizer=embedder.tokenizer, target_tokens=12, overlap_tokens=0),
            )
        )
        run_state_machine_as_test(
            Documents,
            settings=settings(
                max_examples=HISTORIES or 30,
                stateful_step_count=100 if HISTORIES else 60,
                derandomize=not HISTORIES,
                database=None,
                deadline=None,
                phases=[Phase.generate] if not HISTORIES else tuple(Phase),
                suppress_health_check=list(HealthCheck),
            ),
        )
    expected = (*ENDS, "stale", "swept", "retry", "reindex", "replace", "being replaced")
    assert all(Documents.seen[what] for what in expected), Documents.seen
