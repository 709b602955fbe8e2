"""DEMAND: what a customer needs, and the conversation itself.

Owns clients, tickets, messages and the webhooks sent to chatbots. Knows nothing of agents or
offers: a ticket stores only the name of the agent who works on it.
"""
