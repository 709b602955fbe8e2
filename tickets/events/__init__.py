"""Webhooks to chatbots: the outbox, and the guarded HTTP client that delivers it."""
