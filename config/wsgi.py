"""HTTP: the API, the desk and the admin."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# What was loaded to start is there to stay: the collector need not go through it again and again.
gc.collect()
gc.freeze()
