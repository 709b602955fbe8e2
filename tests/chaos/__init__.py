"""Chaos: the platform's real processes under load, and one thing after another that goes wrong."""
