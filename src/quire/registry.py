"""The one place where an alias in the settings becomes a backend, built on first use, once a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from quire.backends.chatmodels.limited import LimitedModel
from quire.backends.embedders.limited import LimitedEmbedder
from quire.core import ports
from quire.core.chunking import Splitter

if TYPE_CHECKING:
    from quire.backends.sandbox.extractor import SandboxedExtractor


def extractor() -> ports.Extractor:
    """The sandboxed one where `QUIRE_BACKENDS` has a sandbox: it builds extractor and OCR in a process of its own."""
    backends: Backends = settings.QUIRE_BACKENDS
    if "sandbox" not in backends:
        return cast(ports.Extractor, _build("extractor", ocr=ocr()))
    parts = {role: backends.get(role) for role in ("extractor", "ocr", "viewer")}
    return cast(ports.Extractor, _build("extractor", source="sandbox", **parts))


def viewer() -> ports.Viewer:
    """The one that draws in the parser process where there is a sandbox."""
    if "viewer" not in _built and "sandbox" in settings.QUIRE_BACKENDS:
        return cast("SandboxedExtractor", extractor()).viewer
    return cast(ports.Viewer, _build("viewer"))


def ocr() -> ports.OcrEngine | None:
    """None when OCR is switched off: a page without text is then named in the warnings."""
    return cast(ports.OcrEngine, _build("ocr")) if _is_played("ocr") else None


def chunker() -> ports.Chunker:
    return cast(ports.Chunker, _build("chunker", tokenizer=embedder().tokenizer))


def warm_up() -> None:
    """Start, in this process, what its first document would wait for."""
    for part in (extractor(), embedder()):
        if isinstance(part, ports.WarmsUp):
            part.warm_up()


def sentence_splitter() -> Splitter:
    """A function, text → the `(start, end)` of its sentences: the one that chunks are made with."""
    return cast(Splitter, import_string(settings.QUIRE_SENTENCE_SPLITTER))


def embedder() -> ports.Embedder:
    """Held to its provider's quota where `QUIRE_BACKENDS` has a limiter for it."""
    embedder, limiter = cast(ports.Embedder, _build("embedder")), _limiter("embedder_limiter")
    return LimitedEmbedder(embedder, limiter) if limiter else embedder


def vector_store() -> ports.VectorStore:
    return cast(ports.VectorStore, _build("vector_store"))


def keyword_index() -> ports.KeywordIndex:
    return cast(ports.KeywordIndex, _build("keyword_index"))


def chat_model() -> ports.ChatModel:
    """The language model, held to its provider's quota; the extractive one where none is configured."""
    if not _is_played("chat_model"):
        return extractive_model()
    model, limiter = cast(ports.ChatModel, _build("chat_model")), _limiter("chat_limiter")
    return LimitedModel(model, limiter) if limiter else model


def extractive_model() -> ports.ChatModel:
    """What answers when no language model is configured, or when it fails."""
    return cast(ports.ChatModel, _build("extractive_model", embedder=embedder()))


def prepare_stores() -> None:
    """Create what vector store and keyword index need. Safe to call twice; raises `PermanentError` on a mismatch."""
    vector_store().prepare(dimensions=embedder().dimensions)
    keyword_index().prepare()


def tend_stores() -> int:
    """Do what keeps the stores quick as they grow; returns how much there was to do. It may take minutes."""
    stores = (vector_store(), keyword_index())
    return sum(store.tend() for store in stores if isinstance(store, ports.NeedsTending))


def _limiter(role: str) -> ports.Limiter | None:
    return cast(ports.Limiter, _build(role)) if _is_played(role) else None


def _is_played(role: str) -> bool:
    return role in _built or role in settings.QUIRE_BACKENDS


def _build(role: str, *, source: str = "", **parts: object) -> object:
    if role not in _built:
        backends: Backends = settings.QUIRE_BACKENDS
        path, options = backends[source or role]
        _built[role] = import_string(path)(**options, **parts)
    return _built[role]


_built: dict[str, object] = {}
Backends = dict[str, tuple[str, dict[str, Any]]]
"""By role: the dotted path of a backend, and its options."""


@contextmanager
def using(**backends: object) -> Iterator[None]:
    """Put these backends in their roles for the time of the block: for tests, and for tools that compare."""
    before = dict(_built)
    _built.update(backends)
    try:
        yield
    finally:
        _built.clear()
        _built.update(before)


def forget() -> None:
    """Drop what was built, so that changed settings take effect."""
    _built.clear()


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "QUIRE_BACKENDS":
        forget()


setting_changed.connect(_on_setting_changed)
