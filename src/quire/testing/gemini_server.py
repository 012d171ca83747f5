"""A server that answers as Google's Gemini does, held to its published API: ai.google.dev/api, v1 and v1beta.

Embeddings come from words (`HashingEmbedder`), answers from a rule (`quire.testing.prompted`): what is taken in is
found and answered end to end. Limits are the vendor's: 100 texts a batch, 2,048 tokens a text, 1 to 3,072 dimensions,
of which fewer than 3,072 come without unit length. What it would not understand, it refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from quire.testing.embedder import HashingEmbedder
from quire.testing.model_server import Call, ModelServer, Refusal, Reply, Stream
from quire.testing.prompted import Told, reply

EMBEDDING_MODEL = "gemini-embedding-001"
CHAT_MODELS = frozenset({"gemini-3.5-flash-lite", "gemini-3.8-flash"})
MAX_TEXTS = 100
MAX_TOKENS = 2048
MAX_DIMENSIONS = 3072
BYTES_PER_TOKEN = 6
"""Of text, at the least that a real one counts."""
TASKS = frozenset(
    {
        "TASK_TYPE_UNSPECIFIED",
        "RETRIEVAL_QUERY",
        "RETRIEVAL_DOCUMENT",
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
        "CLUSTERING",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    }
)
_PATH = re.compile(r"/v1(?:beta)?/models/(?P<model>[\w.-]+):(?P<method>\w+)(?:\?alt=sse)?")
_EMBED_FIELDS = {"model", "content", "taskType", "title", "outputDimensionality"}
_GENERATE_FIELDS = {
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
    "cachedContent",
}
_RPC = "type.googleapis.com/google.rpc."


def error(status: int, name: str, message: str, *details: Mapping[str, Any]) -> Reply:
    """An error as Google's APIs word it (google.rpc.Status)."""
    body: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        body["details"] = list(details)
    return Reply(status=status, body={"error": body})


def over_quota(*, retry_delay: str | None = "7s", quota: str = "EmbedContentRequestsPerMinutePerProject") -> Reply:
    """A quota is used up; one whose id says `PerDay` does not come back with the delay that is stated."""
    message = "You exceeded your current quota, please check your plan and billing details."
    violation = {"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": quota}
    details: list[dict[str, Any]] = [{"@type": f"{_RPC}QuotaFailure", "violations": [violation]}]
    if retry_delay is not None:
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": retry_delay})
    return error(429, "RESOURCE_EXHAUSTED", message, *details)


def overloaded() -> Reply:
    return error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def key_invalid() -> Reply:
    info = {"@type": f"{_RPC}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info)


class GeminiServer(ModelServer):
    """`finish` is why its answers end; None cuts it off. With `block`, or without `has_candidates`, none begins."""

    def __init__(self, *, api_key: str = "gemini-test-key", port: int = 0) -> None:
        super().__init__(api_key=api_key, port=port)
        self.finish: str | None = "STOP"
        self.block: str | None = None
        self.has_candidates = True

    def answer(self, call: Call) -> Any:
        path = _PATH.fullmatch(call.path)
        if path is None:
            raise Refusal(error(404, "NOT_FOUND", "Requested entity was not found."))
        self._check_key(call.headers.get("x-goog-api-key"))
        if path["method"] == "batchEmbedContents":
            return self._embed(path["model"], call.body)
        if path["method"] == "generateContent":
            return self._whole(path["model"], call.body)
        if path["method"] == "streamGenerateContent" and call.path.endswith("?alt=sse"):
            return self._stream(self._said_to(path["model"], call.body))
        raise Refusal(_unknown_model(path["model"], path["method"]))

    def _check_key(self, key: str | None) -> None:
        if key is None:
            message = "Method doesn't allow unregistered callers (callers without established identity)."
            raise Refusal(error(403, "PERMISSION_DENIED", message))
        if key != self.api_key:
            raise Refusal(key_invalid())

    def _embed(self, model: str, body: dict[str, Any]) -> Any:
        if model != EMBEDDING_MODEL:
            raise Refusal(_unknown_model(model, "batchEmbedContents"))
        _check_fields(body, {"requests"})
        requests = body.get("requests") or []
        if not 1 <= len(requests) <= MAX_TEXTS:
            message = "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n"
            raise _invalid(message)
        return {"embeddings": [{"values": _embedding(request, model)} for request in requests]}

    def _said_to(self, model: str, body: dict[str, Any]) -> Sequence[str]:
        if model not in CHAT_MODELS:
            raise Refusal(_unknown_model(model, "generateContent"))
        _check_fields(body, _GENERATE_FIELDS)
        contents = body.get("contents") or []
        if not contents or contents[-1].get("role", "user") != "user":
            raise _invalid("* GenerateContentRequest.contents: contents is not specified\n")
        for content in contents:
            if content.get("role", "user") not in {"user", "model"}:
                raise _invalid("Please use a valid role: user, model.")
        if "systemInstruction" in body:
            _text(body["systemInstruction"])
        told = [Told("user" if each.get("role") == "user" else "assistant", _text(each)) for each in contents]
        return reply(told) if self.said is None else self.said

    def _whole(self, model: str, body: dict[str, Any]) -> Any:
        return self._chunk("".join(self._said_to(model, body)), finish=self.finish)

    def _stream(self, pieces: Sequence[str]) -> Stream:
        if self.block is None and self.has_candidates:
            for piece in pieces:
                yield _event(self._chunk(piece, finish=None))
        if self.breaks_with is not None:
            yield _event(self.breaks_with.body)
        elif self.finish is None:
            yield b""
        else:
            yield _event(self._chunk("", finish=self.finish))

    def _chunk(self, text: str, *, finish: str | None) -> dict[str, Any]:
        usage = {"promptTokenCount": 1, "totalTokenCount": 1}
        if self.block is not None:
            return {"promptFeedback": {"blockReason": self.block}, "usageMetadata": usage}
        if not self.has_candidates:
            return {"usageMetadata": usage}
        candidate: dict[str, Any] = {"index": 0}
        if text:
            candidate["content"] = {"role": "model", "parts": [{"text": text}]}
        if finish is not None:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3.5-flash-lite"}


def _embedding(request: dict[str, Any], model: str) -> list[float]:
    _check_fields(request, _EMBED_FIELDS)
    dimensions = request.get("outputDimensionality", MAX_DIMENSIONS)
    if request.get("model") != f"models/{model}":
        raise _invalid(f"* EmbedContentRequest.model: must be models/{model}\n")
    if request.get("taskType", "TASK_TYPE_UNSPECIFIED") not in TASKS:
        raise _invalid("Invalid value at 'requests[0].task_type'")
    if "title" in request and request.get("taskType") != "RETRIEVAL_DOCUMENT":
        raise _invalid("title is only applicable to RETRIEVAL_DOCUMENT")
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MAX_DIMENSIONS:
        raise _invalid(f"* EmbedContentRequest.output_dimensionality: must be at most {MAX_DIMENSIONS}\n")
    text = _text(request.get("content") or {})
    if len(text.encode()) / BYTES_PER_TOKEN > MAX_TOKENS:
        raise _invalid(f"The input token count exceeds the maximum number of tokens allowed {MAX_TOKENS}.")
    vector = HashingEmbedder(dimensions=dimensions).embed_query(text)
    return [float(value) for value in vector * (1 if dimensions == MAX_DIMENSIONS else 0.7)]


def _text(content: Mapping[str, Any]) -> str:
    """The text of a Content. Refuses one without any."""
    _check_fields(content, {"parts", "role"})
    text = "".join(str(part.get("text", "")) for part in content.get("parts") or [])
    if not text.strip():
        raise _invalid("* Content.parts: contents.parts must not be empty.\n")
    return text


def _check_fields(body: Mapping[str, Any], known: set[str]) -> None:
    for name in sorted(set(body) - known):
        raise _invalid(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')


def _invalid(message: str) -> Refusal:
    return Refusal(error(400, "INVALID_ARGUMENT", message))


def _unknown_model(model: str, method: str) -> Reply:
    message = f"models/{model} is not found for API version v1beta, or is not supported for {method}."
    return error(404, "NOT_FOUND", message)


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"
