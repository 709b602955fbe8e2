"""The middlewares of every request: log line, fast path of the API, security headers."""
