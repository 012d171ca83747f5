"""Everything that can be set from outside, typed and checked: the environment is read here and nowhere else.

`NAME_FILE` gives any of them by a mounted secret's path. A wrong value stops the start with `SettingsError`,
whose text says which variable, what is wrong, and what to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from quire import redis_url
from quire.redis_url import RedisUrl

MAX_SOCKET_PATH_BYTES = 100
"""A unix socket's path may have about 107 bytes; a few are kept for suffixes."""


DATABASES = ("sqlite", "postgres", "postgresql")
"""Schemes of DATABASE_URL that are proven."""


GEMINI_DIMENSIONS = (768, 1536, 3072)
"""Lengths for which Google publishes how well its vectors do."""


KEYS = {"gemini": "gemini_api_key", "openai": "openai_api_key", "pinecone": "pinecone_api_key"}
"""The key that each alias cannot do without."""


_KEYS = {"GEMINI_API_KEY", "OPENAI_API_KEY", "PINECONE_API_KEY", "AWS_SECRET_ACCESS_KEY", "SENTRY_DSN"}
_KEYS |= {"QUIRE_OIDC_CLIENT_SECRET"}
SECRETS = {"QUIRE_SECRET_KEY", "QUIRE_API_KEY", "DATABASE_URL", "REDIS_URL"} | _KEYS
"""Variables whose values are shown to nobody."""


_BESIDE_A_PAGE_S = 60
"""Of a run without progress: to begin with a parser, to end one that hangs, to save."""


class SettingsError(Exception):
    """The environment holds a value that Quire cannot start with."""


def variable(name: str, default: object, description: str) -> Any:
    """A setting: the environment variable it is read from, its default, and one line for the reference."""
    return Field(default=default, validation_alias=AliasChoices(name), description=description)


class Environment(BaseModel):
    """The settings, by name of the environment variable; `docs/reference/settings.md` is held to this list."""

    model_config = ConfigDict(frozen=True, validate_default=True)

    data_dir: Path = variable(
        "QUIRE_DATA_DIR", Path("data"), "Folder of the embedded default: database, files, Redis, model"
    )
    debug: bool = variable("QUIRE_DEBUG", False, "Show tracebacks in the browser; never in production")
    secret_key: str = variable(
        "QUIRE_SECRET_KEY", "", "Signs sessions and links; made once in the data folder when empty"
    )
    allowed_hosts: str = variable("QUIRE_ALLOWED_HOSTS", "*", "Host names that are answered, separated by commas")
    public_url: str = variable("QUIRE_PUBLIC_URL", "", "Address people use, such as https://docs.example.org")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = variable("QUIRE_LOG_LEVEL", "INFO", "How much is logged")
    log_format: Literal["text", "json"] = variable("QUIRE_LOG_FORMAT", "text", "text for people, json for collectors")

    database_url: str = variable("DATABASE_URL", "", "SQLite in the data folder when empty")
    database_pool: int = variable("QUIRE_DATABASE_POOL", 8, "Most connections of one process to PostgreSQL")
    redis_url: str = variable(
        "REDIS_URL",
        "",
        "Server without a database number: redis://, rediss:// (TLS) or unix://; one of `quire up`'s own when empty",
    )
    redis_prefix: str = variable(
        "QUIRE_REDIS_PREFIX", "quire", "Begins the name of each key and channel of ours, on a Redis shared with others"
    )

    s3_bucket: str = variable(
        "AWS_STORAGE_BUCKET_NAME", "", "Bucket that keeps the files; a folder in the data folder when empty"
    )
    s3_endpoint_url: str = variable("AWS_S3_ENDPOINT_URL", "", "Server that speaks S3; Amazon's when empty")
    s3_region: str = variable("AWS_S3_REGION_NAME", "", "Region of the bucket")
    s3_location: str = variable("AWS_LOCATION", "", "Folder in the bucket, where that holds other things too")
    s3_presigned: bool = variable(
        "QUIRE_S3_PRESIGNED", True, "Send browsers to the bucket for a file; off where they cannot reach it"
    )
    s3_access_key_id: str = variable("AWS_ACCESS_KEY_ID", "", "Key of the bucket; boto3 looks elsewhere when empty")
    s3_secret_access_key: str = variable("AWS_SECRET_ACCESS_KEY", "", "Secret of that key")

    max_upload_bytes: int = variable("QUIRE_MAX_UPLOAD_BYTES", 200 * 2**20, "Largest file that is accepted")
    max_documents: int = variable("QUIRE_MAX_DOCUMENTS", 0, "Documents that a tenant may keep; 0 for any number")
    max_bytes: int = variable("QUIRE_MAX_BYTES", 0, "Bytes of files that a tenant may keep; 0 for any number")
    max_requests_per_minute: int = variable(
        "QUIRE_MAX_REQUESTS_PER_MINUTE", 0, "API requests of a tenant in a minute; 0 for any number"
    )
    max_queue_age_s: float = variable(
        "QUIRE_MAX_QUEUE_AGE_S", 24 * 3600, "Seconds that due work may wait before new uploads are refused"
    )
    max_pages: int = variable(
        "QUIRE_MAX_PAGES", 20_000, "Most pages that a PDF may have; one with more fails, and says so"
    )

    gemini_api_key: str = variable("GEMINI_API_KEY", "", "Key of Google's Gemini")
    gemini_base_url: str = variable("GOOGLE_GEMINI_BASE_URL", "", "Server that speaks its API; Google's when empty")
    openai_api_key: str = variable("OPENAI_API_KEY", "", "Key of OpenAI, or of what speaks its API")
    openai_base_url: str = variable(
        "OPENAI_BASE_URL", "", "Server that speaks OpenAI's API (Ollama, vLLM, …); OpenAI's when empty"
    )
    pinecone_api_key: str = variable("PINECONE_API_KEY", "", "Key of Pinecone")
    pinecone_host: str = variable("PINECONE_CONTROLLER_HOST", "", "Pinecone's control plane; Pinecone's own when empty")
    pinecone_index: str = variable("QUIRE_PINECONE_INDEX", "quire", "Name of the index at Pinecone")
    pinecone_create: str = variable(
        "QUIRE_PINECONE_CREATE", "", "Cloud and region, such as aws/us-east-1, where a missing index is created"
    )

    embedder: Literal["minilm", "gemini", "openai", "hashing"] = variable(
        "QUIRE_EMBEDDER", "minilm", "Alias of the embedder"
    )
    embedding_model: str = variable(
        "QUIRE_EMBEDDING_MODEL", "", "Model of gemini (gemini-embedding-001) or openai (text-embedding-3-small)"
    )
    embedding_dimensions: int = variable(
        "QUIRE_EMBEDDING_DIMENSIONS", 768, "Length of a vector of gemini (768, 1536 or 3072) or openai"
    )
    embedding_requests_per_minute: int = variable(
        "QUIRE_EMBEDDING_REQUESTS_PER_MINUTE", 0, "Provider's quota for all processes together; 0 when not known"
    )
    embedding_texts_per_minute: int = variable(
        "QUIRE_EMBEDDING_TEXTS_PER_MINUTE", 0, "The same in texts, which some providers count"
    )
    embedding_tokens_per_minute: int = variable("QUIRE_EMBEDDING_TOKENS_PER_MINUTE", 0, "The same in tokens")
    model_dir: str = variable("QUIRE_MODEL_DIR", "", "Folder of the local model; models/ in the data folder when empty")
    vector_store: Literal["", "sqlite", "pgvector", "pinecone"] = variable(
        "QUIRE_VECTOR_STORE", "", "Alias of the vector store; the database's own when empty"
    )
    search_language: str = variable(
        "QUIRE_SEARCH_LANGUAGE", "english", "Language of PostgreSQL's full-text search (english, german, simple, …)"
    )
    chat_model: Literal["extractive", "gemini", "openai"] = variable(
        "QUIRE_CHAT_MODEL", "extractive", "Alias of the model that words answers"
    )
    chat_model_name: str = variable(
        "QUIRE_CHAT_MODEL_NAME", "", "Model of gemini (gemini-3.5-flash-lite) or openai (gpt-6-luna)"
    )
    chat_requests_per_minute: int = variable(
        "QUIRE_CHAT_REQUESTS_PER_MINUTE", 0, "Provider's quota for all processes together; 0 when not known"
    )
    chat_tokens_per_minute: int = variable("QUIRE_CHAT_TOKENS_PER_MINUTE", 0, "The same in tokens")
    provider_timeout_s: float = variable("QUIRE_PROVIDER_TIMEOUT_S", 60, "Seconds that a call to a provider may take")
    question_timeout_s: float = variable(
        "QUIRE_QUESTION_TIMEOUT_S", 10, "The same for what embeds a question and searches for it: a person waits"
    )
    first_word_timeout_s: float = variable(
        "QUIRE_FIRST_WORD_TIMEOUT_S", 20, "Seconds within which a language model must begin its answer"
    )

    sentry_dsn: str = variable("SENTRY_DSN", "", "Where errors are reported; nowhere when empty")
    sentry_environment: str = variable("SENTRY_ENVIRONMENT", "production", "Name under which errors are reported")

    ocr: Literal["auto", "tesseract", "rapidocr", "none"] = variable("QUIRE_OCR", "auto", "Which OCR reads scans")
    sandbox: Literal["auto", "on", "off"] = variable(
        "QUIRE_SANDBOX", "auto", "Parse each file in a child under limits; auto is on where that works, on Linux"
    )
    parser_memory_bytes: int = variable(
        "QUIRE_PARSER_MEMORY_BYTES", 1536 * 2**20, "Memory that parsing one file may take"
    )
    parser_page_s: float = variable("QUIRE_PARSER_PAGE_S", 120, "Seconds that reading one page may take")
    chunk_tokens: int = variable("QUIRE_CHUNK_TOKENS", 200, "Tokens a chunk aims at")
    chunk_overlap_tokens: int = variable(
        "QUIRE_CHUNK_OVERLAP_TOKENS", 30, "Tokens that neighbouring chunks share at most"
    )

    oidc_name: str = variable("QUIRE_OIDC_NAME", "single sign-on", "What people call it: `Sign in with …`")
    oidc_client_id: str = variable("QUIRE_OIDC_CLIENT_ID", "", "As whom Quire is registered there")
    oidc_client_secret: str = variable("QUIRE_OIDC_CLIENT_SECRET", "", "Secret of that registration")
    oidc_issuer: str = variable(
        "QUIRE_OIDC_ISSUER", "", "Address of an OpenID Connect provider, for single sign-on; none when empty"
    )
    oidc_tenant: str = variable("QUIRE_OIDC_TENANT", "", "Name of the tenant that people new to Quire join")
    oidc_newcomers: Literal["refuse", "own", "join"] = variable(
        "QUIRE_OIDC_NEWCOMERS",
        "refuse",
        "People new to Quire: refuse (but for an invitation), own tenant for each, or join QUIRE_OIDC_TENANT",
    )

    url: str = variable("QUIRE_URL", "", "Address of the service for client commands; that of client.json when empty")
    api_key: str = variable("QUIRE_API_KEY", "", "Key of client commands; that of client.json when empty")
    web_workers: int = variable("QUIRE_WEB_WORKERS", 1, "Processes of the web")
    reload: bool = variable("QUIRE_RELOAD", False, "Restart the web when the source changes; for development")
    worker_concurrency: int = variable(
        "QUIRE_WORKER_CONCURRENCY", 0, "Processes of a worker; one a core (at most 4) when 0"
    )
    worker_max_tasks: int = variable("QUIRE_WORKER_MAX_TASKS", 100, "Tasks after which a worker process is replaced")
    lease_s: float = variable("QUIRE_LEASE_S", 30, "Seconds after which a silent worker's document is taken back")
    heartbeat_s: float = variable("QUIRE_HEARTBEAT_S", 10, "Seconds between renewals of a lease")
    stall_s: float = variable("QUIRE_STALL_S", 300, "Seconds without progress after which a lease is no longer renewed")
    sweep_s: float = variable("QUIRE_SWEEP_S", 5, "Seconds between looks at expired leases")
    slice_s: float = variable(
        "QUIRE_SLICE_S", 20, "Seconds of work after which a document lets those that wait go first"
    )
    deadline_s: float = variable(
        "QUIRE_DEADLINE_S", 6 * 3600, "Seconds that work on one document may take in all, and waits for a provider too"
    )

    @field_validator(
        "max_upload_bytes",
        "max_pages",
        "database_pool",
        "embedding_dimensions",
        "provider_timeout_s",
        "question_timeout_s",
        "first_word_timeout_s",
        "chunk_tokens",
        "web_workers",
        "worker_max_tasks",
        "lease_s",
        "heartbeat_s",
        "sweep_s",
        "parser_page_s",
        "deadline_s",
    )
    @classmethod
    def _positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("must be above 0")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_server(cls, value: str) -> str:
        if value:
            redis_url.parse(value)
        return value

    @field_validator("redis_prefix")
    @classmethod
    def _plain_prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+(:[\w.-]+)*", value):
            raise ValueError("must be letters, digits and _ . - only, with : between parts")
        return value

    @field_validator(
        "worker_concurrency",
        "chunk_overlap_tokens",
        "max_documents",
        "max_bytes",
        "max_requests_per_minute",
        "embedding_requests_per_minute",
        "embedding_texts_per_minute",
        "embedding_tokens_per_minute",
        "chat_requests_per_minute",
        "chat_tokens_per_minute",
    )
    @classmethod
    def _not_negative(cls, value: int) -> int:
        if value < 0:
            raise ValueError("must be 0 or more")
        return value

    @field_validator("public_url", "s3_endpoint_url", "gemini_base_url", "openai_base_url", "pinecone_host")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("oidc_issuer")
    @classmethod
    def _speaks_https(cls, value: str, info: ValidationInfo) -> str:
        """Kept as it is: an issuer with a slash at its end is another than one without."""
        for needed in ("oidc_client_id", "oidc_client_secret"):
            if value and not info.data.get(needed):
                raise ValueError(f"needs {variable_name(cls.model_fields[needed].validation_alias)}, which is not set")
        if value and not re.match(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", value):
            raise ValueError("must begin with https://, or be on this machine")
        return value

    @field_validator("oidc_newcomers")
    @classmethod
    def _names_a_tenant(cls, value: str, info: ValidationInfo) -> str:
        if value == "join" and not info.data.get("oidc_tenant"):
            raise ValueError("needs QUIRE_OIDC_TENANT, which is not set")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: str) -> str:
        if value and value.split("://")[0] not in DATABASES:
            raise ValueError(f"must begin with one of {', '.join(f'{scheme}://' for scheme in DATABASES)}")
        return value

    @field_validator("embedder", "chat_model", "vector_store")
    @classmethod
    def _has_its_key(cls, value: str, info: ValidationInfo) -> str:
        needed = KEYS.get(value)
        # An OpenAI-compatible server of one's own often wants no key.
        if needed and not info.data.get(needed) and not (value == "openai" and info.data.get("openai_base_url")):
            raise ValueError(f"needs {variable_name(cls.model_fields[needed].validation_alias)}, which is not set")
        return value

    @field_validator("embedding_dimensions")
    @classmethod
    def _length_that_gemini_makes(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("embedder") == "gemini" and value not in GEMINI_DIMENSIONS:
            raise ValueError(f"must be one of {', '.join(map(str, GEMINI_DIMENSIONS))} with QUIRE_EMBEDDER=gemini")
        return value

    @field_validator("vector_store")
    @classmethod
    def _has_its_database(cls, value: str, info: ValidationInfo) -> str:
        is_postgres = str(info.data.get("database_url", "")).startswith("postgres")
        if value in {"sqlite", "pgvector"} and is_postgres != (value == "pgvector"):
            raise ValueError(f"needs DATABASE_URL to name {'PostgreSQL' if value == 'pgvector' else 'SQLite'}")
        return value or ("pgvector" if is_postgres else "sqlite")

    @field_validator("pinecone_create")
    @classmethod
    def _cloud_and_region(cls, value: str) -> str:
        if value and len(value.split("/")) != 2:
            raise ValueError("must be a cloud and a region, such as aws/us-east-1")
        return value

    @field_validator("heartbeat_s")
    @classmethod
    def _beats_within_the_lease(cls, value: float, info: ValidationInfo) -> float:
        lease_s = info.data.get("lease_s", value * 2)
        if value * 2 > lease_s:
            raise ValueError(f"must be half of QUIRE_LEASE_S ({lease_s:g}) at most, so that one beat may fail")
        return value

    @field_validator("stall_s")
    @classmethod
    def _longer_than_a_page(cls, value: float, info: ValidationInfo) -> float:
        """A page that ends its parser is read once more: each try counts as progress, so that one of them is to fit."""
        page_s = info.data.get("parser_page_s", 0)
        if value < page_s + _BESIDE_A_PAGE_S:
            wanted = f"{_BESIDE_A_PAGE_S} more than QUIRE_PARSER_PAGE_S ({page_s:g}) at least"
            raise ValueError(f"must be {wanted}: a page may take as long, and is no stall")
        return value

    @field_validator("chunk_overlap_tokens")
    @classmethod
    def _overlaps_less_than_a_chunk(cls, value: int, info: ValidationInfo) -> int:
        tokens = info.data.get("chunk_tokens", value * 2)
        if value * 2 > tokens:
            raise ValueError(f"must be half of QUIRE_CHUNK_TOKENS ({tokens}) at most")
        return value

    @property
    def is_postgres(self) -> bool:
        return self.database_url.startswith("postgres")

    @property
    def redis_socket(self) -> Path:
        """Where `quire up` has its Redis listen; in the temporary folder when the data folder's path is too long."""
        socket = self.data_dir.resolve() / "redis" / "redis.sock"
        if len(os.fsencode(socket)) <= MAX_SOCKET_PATH_BYTES:
            return socket
        name = hashlib.sha256(os.fsencode(self.data_dir.resolve())).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"quire-{os.getuid()}-{name}" / "redis.sock"

    @property
    def redis_server(self) -> RedisUrl:
        """The server of `REDIS_URL`, or the one that `quire up` starts."""
        return redis_url.parse(self.redis_url or f"unix://{quote(str(self.redis_socket))}")

    def redis(self, db: int) -> str:
        """A redis-py URL of database `db`: 0 the queue, 1 the results."""
        return self.redis_server.redis(db)

    def celery(self, db: int) -> str:
        """The same for Celery, whose name for a socket is another."""
        return self.redis_server.celery(db)


def read(environ: Mapping[str, str] = os.environ) -> Environment:
    """Return the settings in `environ`. Raises `SettingsError` with a sentence per wrong value."""
    values: dict[str, str] = {}
    for field in Environment.model_fields.values():
        name = variable_name(field.validation_alias)
        if f"{name}_FILE" in environ:
            values[name] = _read_secret(name, Path(environ[f"{name}_FILE"]))
        elif environ.get(name):
            values[name] = environ[name]
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(dict(e)) for e in error.errors())) from None


def variable_name(alias: object) -> str:
    """The environment variable's name behind a field's alias."""
    if not isinstance(alias, AliasChoices):
        raise TypeError("every setting is declared by variable()")
    return str(alias.choices[0])


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None


def _sentence(error: dict[str, object]) -> str:
    location = error["loc"]
    name = str(location[0] if isinstance(location, tuple) else location)
    if default := Environment.model_fields.get(name):  # a wrong default, beside another value, has no alias
        name = variable_name(default.validation_alias)
    reason = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    value = "set" if name in SECRETS else repr(error["input"])
    return f"{name} is {value}: {reason}. Set {name} right, or unset it for the default."
