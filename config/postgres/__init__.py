"""Django's backend for PostgreSQL, but for one question it asks before every request."""
