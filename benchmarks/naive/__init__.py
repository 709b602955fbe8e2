"""The rival: the same live path built the usual way, kept small and honest.

One ASGI server for HTTP and WebSockets, REST framework's ModelSerializer, a Celery task for each
escalation, row locks through the ORM, `async_to_sync(group_send)`, the core channel layer. It has
no keys, no idempotency, no outbox and no reasons; only the product pays for those.
"""
