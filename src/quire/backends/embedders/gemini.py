"""Google's Gemini embedding models."""

from __future__ import annotations

from collections.abc import Sequence

from google.genai import types

from quire.backends.embedders.approximate_tokens import ApproximateTokenizer
from quire.backends.embedders.remote import Limits, embed
from quire.backends.providers.gemini import GeminiAccount, within
from quire.core.types import Vectors

LIMITS = Limits(texts=100, text_tokens=2_000, request_tokens=30_000)
"""100 and 2,048 are published (ai.google.dev/gemini-api/docs/embeddings); a request of more than the smallest plan's
30,000 tokens a minute could never be sent."""


class GeminiEmbedder:
    """Follows `core.ports.Embedder`. Documents and questions are embedded each for its task.

    No `title` is sent: a text begins with its document's title already (`core.retrieval`).
    """

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
        model: str = "gemini-embedding-001",
    ) -> None:
        self.id = f"gemini:{model}:{dimensions}:retrieval"
        self.dimensions = dimensions
        self.tokenizer = ApproximateTokenizer()
        self._model = model
        self._question_timeout_s = question_timeout_s or timeout_s
        self._account = GeminiAccount(
            api_key=api_key, base_url=base_url, timeout_s=timeout_s, setting="QUIRE_EMBEDDING_MODEL"
        )

    def warm_up(self) -> None:
        """Make the client: a first request that comes a second after it was allowed may meet a quota that moved on."""
        self._account.warm_up()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, task="RETRIEVAL_DOCUMENT")

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._embed([text], task="RETRIEVAL_QUERY", timeout_s=self._question_timeout_s)[0]
        return vector

    def _embed(self, texts: Sequence[str], *, task: str, timeout_s: float | None = None) -> Vectors:
        return embed(
            texts,
            model=self._model,
            dimensions=self.dimensions,
            limits=LIMITS,
            ask=lambda batch: self._ask(batch, task, timeout_s),
        )

    def _ask(self, texts: list[str], task: str, timeout_s: float | None) -> list[list[float]]:
        # Whole contents: of mere strings the SDK makes one, and one vector, for models that see pictures too.
        contents: list[types.ContentUnion] = [types.Content(parts=[types.Part(text=text)]) for text in texts]
        config = types.EmbedContentConfig(
            task_type=task, output_dimensionality=self.dimensions, http_options=within(timeout_s)
        )
        with self._account.call(model=self._model, timeout_s=timeout_s) as client:
            response = client.models.embed_content(model=self._model, contents=contents, config=config)
        return [embedding.values or [] for embedding in response.embeddings or []]
