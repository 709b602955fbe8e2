"""The settings of tests: fast password hashes and no manifest of static files."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WEBHOOK_ALLOW_PRIVATE = False
REALTIME_ENGINE = "tests.inline_engine.InlineEngine"
CELERY_TASK_ALWAYS_EAGER = True
# Tests have no collected static files to serve.
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # noqa: F405
