"""Which backend plays which role: one line each, by the aliases in the environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from quire.environment import Environment

Backend = tuple[str, dict[str, Any]]
"""The dotted path of a class, or of a function that builds one, and its options."""


def backends(env: Environment, *, data_dir: Path) -> dict[str, Backend]:
    """By role. A role that is not there is not played: no sandbox, no OCR, no limiter."""
    chosen: dict[str, Backend | None] = {
        "extractor": ("quire.backends.extractors.by_type.ExtractorByType", {"max_pages": env.max_pages}),
        "viewer": ("quire.backends.viewers.pdf.PdfViewer", {}),
        "sandbox": _sandbox(env),
        "ocr": _OCR[env.ocr],
        "chunker": (
            "quire.backends.chunkers.sentences.SentenceChunker",
            {"target_tokens": env.chunk_tokens, "overlap_tokens": env.chunk_overlap_tokens},
        ),
        "embedder": _embedder(env, data_dir),
        "embedder_limiter": _limiter(
            env,
            name="embedding",
            is_needed=env.embedder in _PROVIDERS,
            requests=env.embedding_requests_per_minute,
            texts=env.embedding_texts_per_minute,
            tokens=env.embedding_tokens_per_minute,
        ),
        "vector_store": _vector_store(env),
        "keyword_index": _keyword_index(env),
        "extractive_model": (
            "quire.backends.chatmodels.extractive.ExtractiveModel",
            {"by_meaning": env.embedder not in _PROVIDERS},
        ),
        "chat_model": _chat_model(env),
        "chat_limiter": _limiter(
            env,
            name="chat",
            is_needed=env.chat_model in _PROVIDERS,
            requests=env.chat_requests_per_minute,
            texts=0,
            tokens=env.chat_tokens_per_minute,
        ),
    }
    return {role: backend for role, backend in chosen.items() if backend is not None}


def file_store(env: Environment, *, data_dir: Path) -> dict[str, Any]:
    """An entry of Django's STORAGES."""
    if not env.s3_bucket:
        folder = {"location": data_dir / "files"}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": folder}
    options = {
        "bucket_name": env.s3_bucket,
        "location": env.s3_location,
        "endpoint_url": env.s3_endpoint_url or None,
        "region_name": env.s3_region or None,
        "access_key": env.s3_access_key_id or None,
        "secret_key": env.s3_secret_access_key or None,
        "hands_out_links": env.s3_presigned,
    }
    return {"BACKEND": "quire.backends.filestores.s3.S3FileStore", "OPTIONS": options}


_PROVIDERS = {"gemini", "openai"}
_OCR: dict[str, Backend | None] = {
    "auto": ("quire.backends.ocr.choose.best_engine", {}),
    "tesseract": ("quire.backends.ocr.tesseract.TesseractEngine", {}),
    "rapidocr": ("quire.backends.ocr.rapid.RapidOcrEngine", {}),
    "none": None,
}


def _sandbox(env: Environment) -> Backend | None:
    if env.sandbox == "off" or (env.sandbox == "auto" and sys.platform != "linux"):
        return None
    limits = {"memory_bytes": env.parser_memory_bytes, "page_s": env.parser_page_s}
    return "quire.backends.sandbox.extractor.SandboxedExtractor", {"limits": limits}


def _embedder(env: Environment, data_dir: Path) -> Backend:
    if env.embedder == "minilm":
        model_dir = Path(env.model_dir) if env.model_dir else data_dir / "models" / "minilm"
        return "quire.backends.embedders.minilm.MiniLMEmbedder", {"model_dir": model_dir}
    if env.embedder == "hashing":
        return "quire.testing.embedder.HashingEmbedder", {}
    options = _account(env, env.embedder, model=env.embedding_model)
    options |= {"dimensions": env.embedding_dimensions, "question_timeout_s": _question_timeout_s(env)}
    if env.embedder == "gemini":
        return "quire.backends.embedders.gemini.GeminiEmbedder", options
    return "quire.backends.embedders.openai.OpenAIEmbedder", options


def _chat_model(env: Environment) -> Backend | None:
    if env.chat_model == "extractive":
        return None
    options = _account(env, env.chat_model, model=env.chat_model_name)
    options["first_word_timeout_s"] = min(env.first_word_timeout_s, env.provider_timeout_s)
    if env.chat_model == "gemini":
        return "quire.backends.chatmodels.gemini.GeminiModel", options
    return "quire.backends.chatmodels.openai.OpenAIModel", options


def _account(env: Environment, provider: str, *, model: str) -> dict[str, Any]:
    """An empty model is the backend's own choice."""
    keys = {"gemini": env.gemini_api_key, "openai": env.openai_api_key}
    servers = {"gemini": env.gemini_base_url, "openai": env.openai_base_url}
    options = {"api_key": keys[provider], "base_url": servers[provider], "timeout_s": env.provider_timeout_s}
    return options | ({"model": model} if model else {})


def _question_timeout_s(env: Environment) -> float:
    return min(env.question_timeout_s, env.provider_timeout_s)


def _limiter(env: Environment, *, name: str, is_needed: bool, requests: int, texts: int, tokens: int) -> Backend | None:
    """The quotas are per minute and for all processes together; 0 is one that is not known."""
    if not is_needed:
        return None
    per_minute = {"requests": requests, "texts": texts, "tokens": tokens}
    options = {"redis_url": env.redis(0), "key": f"{env.redis_prefix}:limit:{name}", "per_minute": per_minute}
    return "quire.backends.limiters.redis.RedisLimiter", options


def _vector_store(env: Environment) -> Backend:
    if env.vector_store == "pinecone":
        return "quire.backends.vectorstores.pinecone.PineconeVectorStore", {
            "api_key": env.pinecone_api_key,
            "host": env.pinecone_host,
            "index": env.pinecone_index,
            "create_in": env.pinecone_create,
            "timeout_s": env.provider_timeout_s,
            "question_timeout_s": _question_timeout_s(env),
        }
    if env.vector_store == "pgvector":
        return "quire.backends.vectorstores.pgvector.PgVectorStore", {}
    return "quire.backends.vectorstores.sqlite.SqliteVectorStore", {}


def _keyword_index(env: Environment) -> Backend:
    """Keywords live in the database: they are written in the transaction that writes the chunks."""
    if env.is_postgres:
        return "quire.backends.keywordindexes.postgres.PostgresKeywordIndex", {"language": env.search_language}
    return "quire.backends.keywordindexes.sqlite_fts5.SqliteKeywordIndex", {}
