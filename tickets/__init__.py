"""DEMAND: what a customer needs, and the talk itself.

Owns clients, tickets, messages and the news sent to chatbots. Knows nothing of agents or offers:
a ticket does not know who works on it, only that someone does, by name.
"""
