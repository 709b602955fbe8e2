"""The settings. Environment variables set everything that differs between installations."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from config import embedded, logs
from config.unfold import UNFOLD  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = embedded.data_dir()


def read_flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def read_list(name: str, default: list[str]) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()] or default


def read_secret() -> str:
    """Read the secret key of this checkout; the first start creates it, readable by its owner
    only."""
    path = embedded.data_dir() / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text()


def parse_database_url(url: str, *, pooled: bool) -> dict[str, Any]:
    """Turn a libpq URL into Django's dictionary. Pooled is for short-lived threads; otherwise the
    connection is kept open."""
    given: dict[str, Any] = conninfo_to_dict(url)
    server = {
        key.upper(): str(given.pop(key))
        for key in ("user", "password", "host", "port")
        if key in given
    }
    timeouts = "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=5000"
    options = {"connect_timeout": 3, "keepalives_idle": 15, "options": timeouts, **given}
    name = options.pop("dbname", "postgres")
    if not read_flag("DATABASE_UNPREPARED"):
        # Prepared statements save PostgreSQL a third of its work. A pooler in transaction mode
        # rules them out.
        options |= {"server_side_binding": True, "prepare_threshold": 3}
    if pooled:
        options["pool"] = {"min_size": 2, "max_size": 8, "timeout": 10}
    return {
        "ENGINE": "config.postgres",
        "NAME": name,
        **server,
        "CONN_MAX_AGE": 0 if pooled else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def list_local_origins(origin: str) -> list[str]:
    """Add the twin of a local origin, because localhost and 127.0.0.1 are the same machine."""
    return [origin, origin.replace("localhost", "127.0.0.1")] if "localhost" in origin else [origin]


PORT = os.environ.get("PORT", "8000")
PUBLIC_URL = os.environ.get("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
SECURE = PUBLIC_URL.startswith("https://")
ALLOWED_ORIGINS = read_list("ALLOWED_ORIGINS", list_local_origins(PUBLIC_URL))
ALLOWED_HOSTS = sorted(
    {urlsplit(origin).hostname or "" for origin in ALLOWED_ORIGINS} | {"127.0.0.1"}
)
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS

SECRET_KEY = os.environ.get("SECRET_KEY") or read_secret()
DEBUG = False

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "pgtrigger",
    "agents",
    "tickets",
    "dispatch",
]
MIDDLEWARE = [
    "config.middleware.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # API calls skip the middlewares below, which only pages need.
    "config.middleware.api_fast_path.ApiFastPathMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.security_headers.PagePolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates", BASE_DIR / "dispatch" / "desk" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]
STATICFILES_DIRS = [BASE_DIR / "dispatch" / "desk" / "static"]
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

DATABASES = {
    "default": parse_database_url(
        os.environ.get("DATABASE_URL") or embedded.find_place().database_url,
        pooled=read_flag("DATABASE_POOL"),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL") or embedded.find_place().redis_url
# redis-py 8 closes an idle connection after five seconds by default. A subscriber is idle most of
# the time, so it has no timeout; health checks find a dead connection instead.
CHANNEL_PREFIX = "releve"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": REDIS_URL,
                    "max_connections": 20_000,
                    "socket_timeout": None,
                    "socket_connect_timeout": 3,
                    "health_check_interval": 10,
                }
            ],
            "prefix": CHANNEL_PREFIX,
        },
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "global_keyprefix": "releve:",
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "health_check_interval": 10,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_PUBLISH_RETRY = False
# The number of matchers that share the languages. A single matcher is enough for most
# installations.
MATCHERS = int(os.environ.get("MATCHERS", "1"))
# The matcher task runs for half a minute at a time, so it needs its own worker.
CELERY_TASK_ROUTES = {"dispatch.tasks.run_waves": {"queue": "matcher"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ETA_TASK_LIMIT = 100
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

AUTH_USER_MODEL = "agents.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("desk:login")
LOGIN_REDIRECT_URL = reverse_lazy("desk:home")
LOGOUT_REDIRECT_URL = reverse_lazy("desk:login")

SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
# The reverse proxy ends TLS and overwrites this header; the servers listen on loopback only.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, *(origin.replace("http", "ws", 1) for origin in ALLOWED_ORIGINS)],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tickets.auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["config.rest_framework.PlainJsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.rest_framework.SingleFormatNegotiation",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.rest_framework.render_problem",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Relève",
    "DESCRIPTION": "Escalate a conversation to a human, exchange messages, and take it back.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# The engine that carries hints and background work. Tests name one that runs everything inline.
REALTIME_ENGINE = "dispatch.realtime.background_engine.BackgroundEngine"

# A private address may be an internal server, so webhooks go there only on a developer's machine.
WEBHOOK_ALLOW_PRIVATE = read_flag("WEBHOOK_ALLOW_PRIVATE")

LOGGING = logs.configuration(level=os.environ.get("LOG_LEVEL", "INFO"))
