"""The middlewares of every request: its log line, the short way of the API, security headers."""
