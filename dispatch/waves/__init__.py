"""One matching pass: read waiting tickets and free agents, pair them, write the offers.

Owns the two hot statements and the code between them. Knows no pages, HTTP or Celery.
"""
