"""What a chatbot is told: the outbox of webhooks, and the guarded HTTP that delivers them."""
