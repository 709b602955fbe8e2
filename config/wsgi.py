"""HTTP: the API, the desk and the admin."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config import garbage_collection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

garbage_collection.freeze()
# Seconds a thread may keep the others waiting once its turn is over. Python's own five thousandths
# add up where an answer of the database is waited for by several.
sys.setswitchinterval(0.0005)
