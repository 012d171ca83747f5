"""all-MiniLM-L6-v2 in int8 on the CPU, through onnxruntime: the embedder that needs no key and no network."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer as HuggingFaceTokenizer

from quire.core.errors import PermanentError
from quire.core.types import Vectors

MODEL_ID = "all-MiniLM-L6-v2-int8-384"
DIMENSIONS = 384
MAX_TOKENS = 256
"""[CLS] and [SEP] included; what comes after is cut. `max_seq_length` of the model's own sentence_bert_config.json: it
was tuned on 128, is published for 256, and has positions for 512 that its tuning never saw."""

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
DESCRIPTION_FILE = "model.json"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class WordPieceTokenizer:
    """The model's own tokenizer, whole texts, nothing cut or padded. Any `str` is accepted; safe in threads."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = HuggingFaceTokenizer.from_file(str(path))
        self._tokenizer.no_truncation()  # the file asks for both, at 128
        self._tokenizer.no_padding()

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Control characters belong to no token; a word of over 100 characters is one."""
        return list(self._tokenizer.encode(_encodable(text), add_special_tokens=False).offsets)

    def ids(self, text: str) -> list[int]:
        """With [CLS] and [SEP], cut to `MAX_TOKENS`."""
        ids = list(self._tokenizer.encode(_encodable(text)).ids)
        return ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]


class MiniLMEmbedder:
    """Follows `core.ports.Embedder`; `model_dir` is what `quire model prepare` made.

    The model is loaded on first use, so that each worker child loads its own after the fork. Safe in threads. Texts go
    through one by one (see `minilm_build.graph`): a text's vector never depends on its neighbours, and memory not on
    how many come at once.
    """

    id = MODEL_ID
    dimensions = DIMENSIONS
    batch_texts = 32
    """About a second and a half on one core."""
    text_tokens: int | None = MAX_TOKENS - 2
    """[CLS] and [SEP] left out."""
    request_tokens: int | None = None

    def __init__(self, *, model_dir: str | Path, threads: int = 1) -> None:
        self._model_dir = Path(model_dir)
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: tuple[WordPieceTokenizer, Any] | None = None

    @property
    def tokenizer(self) -> WordPieceTokenizer:
        return self._load()[0]

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = self.embed_query(text)
        return vectors

    def warm_up(self) -> None:
        """Load the model."""
        self.embed_query("warm")

    def embed_query(self, text: str) -> Vectors:
        tokenizer, session = self._load()
        (embeddings,) = session.run(None, {"input_ids": np.array([tokenizer.ids(text)], np.int64)})
        vector: Vectors = embeddings[0]
        return vector

    def _load(self) -> tuple[WordPieceTokenizer, Any]:
        if self._loaded is None:
            with self._loading:
                if self._loaded is None:
                    self._loaded = _load(self._model_dir, threads=self._threads)
        return self._loaded


def _load(model_dir: Path, *, threads: int) -> tuple[WordPieceTokenizer, Any]:
    try:
        found = json.loads((model_dir / DESCRIPTION_FILE).read_bytes())["id"]
        if found != MODEL_ID:
            raise ValueError(f"it holds {found}")
        tokenizer = WordPieceTokenizer(model_dir / TOKENIZER_FILE)
        return tokenizer, _session(model_dir / MODEL_FILE, threads=threads)
    except Exception as error:  # tokenizers and onnxruntime raise bare Exceptions for a damaged file
        raise PermanentError(
            f"There is no usable embedding model in {model_dir}: run `quire model prepare`, then try again.",
            code="embedder_missing",
        ) from error


def _session(path: Path, *, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # an arena keeps the longest text's memory for good; no slower without
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _encodable(text: str) -> str:
    """The same length, so that offsets hold: half a surrogate pair cannot be handed to the tokenizer."""
    return _LONE_SURROGATE.sub("\ufffd", text)
