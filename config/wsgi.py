"""WSGI entry for HTTP: the API, the desk and the admin."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config import garbage_collection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

garbage_collection.freeze()
# The longest time (s) that a thread keeps the interpreter while others wait. Python's default of 5
# ms adds up when several threads wait for the database.
sys.setswitchinterval(0.0005)
