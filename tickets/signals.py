"""Signals about demand, sent inside the transaction of the change. Each carries `at`."""

from django.dispatch import Signal

#: A ticket waits for an agent: `ticket`.
ticket_queued = Signal()
#: A ticket reached a final status: `ticket`.
ticket_closed = Signal()
#: A message was added: `ticket`, `message`.
message_added = Signal()
#: A webhook is due: only `at`.
webhook_queued = Signal()
#: The customer reviewed a ticket: `ticket`, `review`.
ticket_reviewed = Signal()
#: Asks how long a ticket will wait: `ticket`. A receiver returns a `tickets.queue.Wait`.
wait_asked = Signal()
