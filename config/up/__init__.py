"""Starts the whole platform on one machine and stays with it: `make up`.

Owns the order of the start, the one supervisor, and what is said at the keyboard. Knows nothing of
tickets or agents: what Django has to do, it does through management commands.
"""
