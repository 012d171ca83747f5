"""Django's settings: the environment, read and checked by `quire.environment`, put where Django looks for it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from quire import databases, environment, wiring

ENV = environment.read()

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = ENV.data_dir.resolve()


def _secret_key() -> str:
    """The key given, or one made once in the data folder, so that sessions survive a restart."""
    if ENV.secret_key:
        return ENV.secret_key
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        made = DATA_DIR / f".secret_key.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        with suppress(FileExistsError):  # another process was first: its key is the one
            os.link(made, path)
        made.unlink()
    return path.read_text().strip()


SECRET_KEY = _secret_key()
DEBUG = ENV.debug
ALLOWED_HOSTS = [host.strip() for host in ENV.allowed_hosts.split(",")]
CSRF_TRUSTED_ORIGINS = [ENV.public_url] if ENV.public_url else []

INSTALLED_APPS = [
    "quire.tenants",
    "quire.documents",
    "quire.chat",
    "quire.api",
    "quire.web",
    "quire.ops",
    "servestatic",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "quire.api.middleware.ProblemMiddleware",  # inside those above: its own answers need their headers too
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "ninja.compatibility.files.fix_request_files_middleware",  # Django parses forms of POST only; a PUT brings a file
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "quire.web.middleware.UnavailableMiddleware",
]
ROOT_URLCONF = "quire.urls"
ASGI_APPLICATION = "quire.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "tenants.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "library"
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

DATABASES = {"default": databases.default(ENV, data_dir=DATA_DIR)}

STORAGES = {
    "default": wiring.file_store(ENV, data_dir=DATA_DIR),
    # Plain names: a manifest would need collectstatic before the first start, and would not know modules' imports.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG

FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20  # bytes of a body that is not a file
FILE_UPLOAD_HANDLERS = ["quire.api.uploads.HashingUploadHandler"]

SESSION_ENGINE = "quire.tenants.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.public_url.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.public_url.startswith("https://") else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SESSION_COOKIE_SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

CELERY_BROKER_URL = ENV.celery(0)
CELERY_RESULT_BACKEND = ENV.celery(1)
CELERY_BROKER_USE_SSL = CELERY_REDIS_BACKEND_USE_SSL = ENV.redis_server.tls
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_EXTENDED = True  # name and arguments beside status and result
CELERY_RESULT_EXPIRES = 7 * 24 * 3600
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_ACKS_LATE = False  # the row is the truth: a lost message costs one sweep, a late one runs twice
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Of workers and Flower, which wait for work, and may come to Redis from far and through TLS. Who sends it
    # (`quire.celery`) waits for less.
    "socket_connect_timeout": 5,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "global_keyprefix": f"{ENV.redis_prefix}:",
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"global_keyprefix": f"{ENV.redis_prefix}:"}
CELERY_REDIS_SOCKET_CONNECT_TIMEOUT = 1
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True  # a message leaves the queue when a process is free to run it
CELERY_WORKER_CONCURRENCY = ENV.worker_concurrency or min(4, os.cpu_count() or 1)
CELERY_WORKER_MAX_TASKS_PER_CHILD = ENV.worker_max_tasks
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = True  # Flower
CELERY_TASK_SEND_SENT_EVENT = True

QUIRE_BACKENDS = wiring.backends(ENV, data_dir=DATA_DIR)
QUIRE_SENTENCE_SPLITTER = "quire.backends.chunkers.sentencizer.sentences"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s", "datefmt": "%H:%M:%S"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": ENV.log_format}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "quire": {"level": ENV.log_level},
        "psycopg.pool": {"level": "ERROR"},  # that it tries again; what gives up says so to a person
        "celery": {"level": "INFO" if ENV.log_level == "DEBUG" else "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
