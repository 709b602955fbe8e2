"""Django's defaults, plus the two settings that redis-py 8 needs for the core channel layer."""

import os

from psycopg.conninfo import conninfo_to_dict

given = conninfo_to_dict(os.environ["DATABASE_URL"])

SECRET_KEY = "only-for-the-rival"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "channels",
    "benchmarks.naive",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.naive.asgi"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given["dbname"],
        "USER": given.get("user", ""),
        "HOST": given["host"],
        "PORT": given.get("port", ""),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": os.environ["REDIS_URL"],
                    "socket_timeout": None,
                    "max_connections": 20_000,
                }
            ]
        },
    }
}
CELERY_BROKER_URL = os.environ["REDIS_URL"].replace("unix://", "redis+socket://", 1)
USE_TZ = True
LOGGING_CONFIG = None
