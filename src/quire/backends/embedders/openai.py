"""Embedding models of OpenAI, and of any server that speaks its API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from openai import not_given, omit
from openai.types import CreateEmbeddingResponse

from quire.backends.embedders.approximate_tokens import ApproximateTokenizer
from quire.backends.embedders.remote import Ask, Limits, embed
from quire.backends.providers.openai import OpenAIAccount
from quire.core.types import Vectors

LIMITS = Limits(texts=64, text_tokens=8_000, request_tokens=250_000)
"""OpenAI takes 2,048 texts of 8,192 tokens, 300,000 in all; 64 chunks are what a small server of one's own embeds well
within the timeout."""
_TAKES_DIMENSIONS = "text-embedding-3"
"""Of these models the length can be chosen. Others refuse the parameter, or ignore it: their length is their own."""


class OpenAIEmbedder:
    """Follows `core.ports.Embedder`."""

    batch_texts = LIMITS.texts
    text_tokens: int | None = LIMITS.text_tokens
    request_tokens: int | None = LIMITS.request_tokens

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "",
        timeout_s: float = 60,
        question_timeout_s: float | None = None,
        dimensions: int = 768,
        model: str = "text-embedding-3-small",
    ) -> None:
        self.id = f"openai:{model}:{dimensions}"
        self.dimensions = dimensions
        self.tokenizer = ApproximateTokenizer()
        self._model = model
        self._question_timeout_s = question_timeout_s or timeout_s
        self._account = OpenAIAccount(
            api_key=api_key, base_url=base_url, timeout_s=timeout_s, setting="QUIRE_EMBEDDING_MODEL"
        )

    def warm_up(self) -> None:
        """Make the client: a first request that comes a second after it was allowed may meet a quota that moved on."""
        self._account.warm_up()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._ask)

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._embed([text], partial(self._ask, timeout_s=self._question_timeout_s))[0]
        return vector

    def _embed(self, texts: Sequence[str], ask: Ask) -> Vectors:
        return embed(texts, model=self._model, dimensions=self.dimensions, limits=LIMITS, ask=ask)

    def _ask(self, texts: list[str], *, timeout_s: float | None = None) -> list[list[float]]:
        """Floats are asked for: not every server knows the SDK's own choice, base64."""
        dimensions = self.dimensions if _TAKES_DIMENSIONS in self._model else omit
        with self._account.call(model=self._model, timeout_s=timeout_s) as client:
            response = client.embeddings.create(
                model=self._model,
                input=texts,
                dimensions=dimensions,
                encoding_format="float",
                timeout=timeout_s or not_given,
            )
        if not isinstance(response, CreateEmbeddingResponse):
            raise self._account.no_such_api()
        return _in_order(response)


def _in_order(response: CreateEmbeddingResponse) -> list[list[float]]:
    """By `index` where each has its own, else as they came: some servers leave it out, or 0."""
    places = [getattr(each, "index", None) for each in response.data]
    if sorted(place for place in places if place is not None) == list(range(len(places))):
        return [each.embedding for each in sorted(response.data, key=lambda each: each.index)]
    return [each.embedding for each in response.data]
