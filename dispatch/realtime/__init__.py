"""Everything that is fast and may be lost: pushes to pages, wake-ups of the matcher.

Owns the talk with Valkey and the threads that do it. Never holds a truth: PostgreSQL does.
"""
