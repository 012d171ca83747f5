"""A server that answers as OpenAI does, held to its published API, or as one of those that speak it nearly.

Embeddings come from words (`HashingEmbedder`), answers from a rule (`quire.testing.prompted`). `Manners` are what
Ollama, vLLM and others do otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quire.testing.embedder import HashingEmbedder
from quire.testing.model_server import Call, ModelServer, Refusal, Reply, Stream
from quire.testing.prompted import Told, reply

EMBEDDING_MODELS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
CHAT_MODELS = frozenset({"gpt-6-luna", "gpt-6.2-sol"})
MAX_TEXTS = 2048
MAX_TOKENS = 8192
BYTES_PER_TOKEN = 6
_EMBED_FIELDS = {"input", "model", "dimensions", "encoding_format", "user"}
_CHAT_FIELDS = {
    "messages",
    "model",
    "stream",
    "stream_options",
    "temperature",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "stop",
    "seed",
    "user",
}
_ROLES = {"system", "developer", "user", "assistant"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """In what a server differs from OpenAI's."""

    models: Mapping[str, int]
    """Embedding models and the length of their vectors."""
    chat_models: frozenset[str]
    wants_key: bool = False
    takes_dimensions: bool = False
    has_usage: bool = False
    has_index: bool = True
    is_reversed: bool = False
    """Vectors come in another order than the texts; `index` tells."""


OPENAI = Manners(
    models=EMBEDDING_MODELS, chat_models=CHAT_MODELS, wants_key=True, takes_dimensions=True, has_usage=True
)
OLLAMA = Manners(models={"nomic-embed-text": 768}, chat_models=frozenset({"llama3.2"}))
VLLM = Manners(models={"BAAI/bge-m3": 1024}, chat_models=frozenset({"Qwen/Qwen3-8B"}), is_reversed=True)
BARE = Manners(models={"plain": 512}, chat_models=frozenset({"plain"}), has_index=False)


def error(
    status: int, message: str, *, kind: str, code: str | None = None, headers: dict[str, str] | None = None
) -> Reply:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Reply(status=status, body=body, headers=headers or {})


def over_quota(*, headers: dict[str, str] | None = None) -> Reply:
    """Too many requests, or tokens, this minute."""
    message = "Rate limit reached for gpt-6-luna on requests per min (RPM): Limit 500, Used 500, Requested 1."
    return error(429, message, kind="requests", code="rate_limit_exceeded", headers=headers)


def quota_spent() -> Reply:
    message = "You exceeded your current quota, please check your plan and billing details."
    return error(429, message, kind="insufficient_quota", code="insufficient_quota")


def overloaded() -> Reply:
    return error(503, "The engine is currently overloaded, please try again later", kind="server_error")


class OpenAIServer(ModelServer):
    """`finish` is why its answers end; with `refusal` it says that in place of one. `thoughts` are streamed before an
    answer, in a field of their own."""

    def __init__(self, *, api_key: str = "openai-test-key", manners: Manners = OPENAI, port: int = 0) -> None:
        super().__init__(api_key=api_key, port=port)
        self.manners = manners
        self.finish: str | None = "stop"
        self.refusal: str | None = None
        self.thoughts: Sequence[str] = ()

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def answer(self, call: Call) -> Any:
        self._check_key(call.headers.get("authorization", ""))
        if call.path == "/v1/embeddings":
            return self._embed(call.body)
        if call.path == "/v1/chat/completions":
            return self._complete(call.body)
        raise Refusal(Reply(status=404, body="404 page not found"))

    def _check_key(self, authorization: str) -> None:
        if self.manners.wants_key and authorization != f"Bearer {self.api_key}":
            shown = authorization.removeprefix("Bearer ")
            message = f"Incorrect API key provided: {shown}. You can find your API key at https://platform.openai.com."
            raise Refusal(error(401, message, kind="invalid_request_error", code="invalid_api_key"))

    def _embed(self, body: dict[str, Any]) -> Any:
        _check_fields(body, _EMBED_FIELDS)
        model = body.get("model", "")
        native = self.manners.models.get(model)
        if native is None:
            raise Refusal(_unknown_model(model))
        texts = _texts(body.get("input"))
        if body.get("encoding_format", "float") != "float":
            raise _invalid("this server of tests gives floats only")
        vectors = HashingEmbedder(dimensions=self._dimensions(body, model, native))
        data = [
            {"object": "embedding", "embedding": [float(value) for value in row], "index": place}
            for place, row in enumerate(vectors.embed_documents(texts))
        ]
        return self._listed(data, model)

    def _dimensions(self, body: dict[str, Any], model: str, native: int) -> int:
        if "dimensions" not in body:
            return native
        if not self.manners.takes_dimensions or "text-embedding-3" not in model:
            raise _invalid(f'Model "{model}" does not support matryoshka representation.')
        if not 1 <= body["dimensions"] <= native:
            raise _invalid(f"Invalid value for 'dimensions': must be at most {native}.")
        return int(body["dimensions"])

    def _listed(self, data: list[dict[str, Any]], model: str) -> dict[str, Any]:
        if not self.manners.has_index:
            data = [{name: value for name, value in each.items() if name != "index"} for each in data]
        if self.manners.is_reversed:
            data.reverse()
        usage = {"usage": {"prompt_tokens": 1, "total_tokens": 1}} if self.manners.has_usage else {}
        return {"object": "list", "data": data, "model": model} | usage

    def _complete(self, body: dict[str, Any]) -> Any:
        _check_fields(body, _CHAT_FIELDS)
        if body.get("model") not in self.manners.chat_models:
            raise Refusal(_unknown_model(str(body.get("model"))))
        messages = body.get("messages") or []
        if not messages or any(each.get("role") not in _ROLES or not each.get("content") for each in messages):
            raise _invalid("Invalid value for 'messages'.")
        told = [Told(each["role"], each["content"]) for each in messages if each["role"] in {"user", "assistant"}]
        pieces = list(reply(told) if self.said is None else self.said)
        if body.get("stream"):
            return self._stream(pieces, body["model"])
        message = {"role": "assistant", "content": "".join(pieces), "refusal": self.refusal}
        choice = {"index": 0, "message": message, "finish_reason": self.finish, "logprobs": None}
        return {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}

    def _stream(self, pieces: Sequence[str], model: str) -> Stream:
        yield _event(_chunk(model, {"role": "assistant", "content": ""}, None))
        for thought in self.thoughts:
            yield _event(_chunk(model, {"reasoning_content": thought}, None))
        if self.refusal is not None:
            yield _event(_chunk(model, {"refusal": self.refusal}, None))
        else:
            for piece in pieces:
                yield _event(_chunk(model, {"content": piece}, None))
        if self.breaks_with is not None:
            yield _event(self.breaks_with.body)
            return
        if self.finish is None:
            yield b""
        yield _event(_chunk(model, {}, self.finish))
        yield b"data: [DONE]\n\n"


def _chunk(model: str, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


def _texts(texts: Any) -> list[str]:
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
        raise _invalid(f"'$.input' is invalid: at most {MAX_TEXTS} texts.")
    for text in texts:
        if not isinstance(text, str) or not text:
            raise _invalid("'$.input' is invalid: input cannot be an empty string.")
        if len(text.encode()) / BYTES_PER_TOKEN > MAX_TOKENS:
            raise _invalid(f"This model's maximum context length is {MAX_TOKENS} tokens.")
    return list(texts)


def _check_fields(body: Mapping[str, Any], known: set[str]) -> None:
    for name in sorted(set(body) - known):
        raise _invalid(f"Unrecognized request argument supplied: {name}")


def _invalid(message: str) -> Refusal:
    return Refusal(error(400, message, kind="invalid_request_error"))


def _unknown_model(model: str) -> Reply:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return error(404, message, kind="invalid_request_error", code="model_not_found")


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
