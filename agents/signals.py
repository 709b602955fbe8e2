"""Signals about supply, sent inside the transaction that changes the rows.

Each carries `agent_ids` and `at`.
"""

from django.dispatch import Signal

#: An agent can take work: they went available or got capacity back.
agent_available = Signal()
#: An agent can't work any more: they left, fell silent or were restricted.
agent_gone = Signal()
