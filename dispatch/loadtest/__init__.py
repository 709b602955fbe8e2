"""Load: people and bots that do not exist, on a platform that does.

Owns actors that use a running platform only as people and bots do: HTTP, WebSocket, webhooks.
`fixtures` creates their logins, client and key beforehand, as an operator would. Everything they do
goes over the network, and each keeps a history of it. Knows nothing of how the platform works.
"""
