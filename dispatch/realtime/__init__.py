"""Everything that is fast and may be lost: pushes to pages, wake signals for the matcher.

Owns the connection to Valkey and the threads that use it. Holds no state: PostgreSQL does.
"""
