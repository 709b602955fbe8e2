"""Chaos tests: the platform's real processes under load, with one injected fault after another."""
