"""Load: people and bots that do not exist, on a platform that does.

Owns actors that use a running platform only as people and bots do: HTTP, WebSocket, webhooks. What
they are (logins, a client, its key) `ground` makes beforehand, as an operator would; everything
they do goes over the wire, and each keeps a logbook of it. Knows nothing of how the platform works.
"""
