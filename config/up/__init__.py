"""Starts the whole platform on one machine and stays in the foreground: `make up`.

Owns the order of the start, the supervisor and the terminal output. Knows nothing of tickets or
agents: Django's part runs as management commands.
"""
