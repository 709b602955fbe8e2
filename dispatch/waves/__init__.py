"""One matching pass: read who waits and who is free, pair them, write the offers.

Owns the two hot statements and what lies between them. Never knows pages, HTTP or Celery.
"""
