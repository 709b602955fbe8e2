"""News about supply, sent inside the transaction that makes it true.

Each carries `agent_ids` and `at`.
"""

from django.dispatch import Signal

#: An agent can take work: went available, or was freed of some.
agent_available = Signal()
#: An agent can't be counted on any more: left, fell silent or was restricted.
agent_gone = Signal()
