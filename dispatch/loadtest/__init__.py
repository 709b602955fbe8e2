"""Load test: simulated agents and bots against a running platform.

Owns actors that use the platform only as people and bots do: HTTP, WebSocket, webhooks. `fixtures`
creates their logins, client and key beforehand, as an operator would. All their actions go over the
network, and each actor keeps a history. Knows nothing of how the platform works.
"""
