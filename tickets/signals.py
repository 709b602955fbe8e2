"""News about demand, sent inside the transaction that makes it true. Each carries `at`."""

from django.dispatch import Signal

#: A ticket waits for an agent: `ticket`.
ticket_queued = Signal()
#: A ticket ended, however it did: `ticket`.
ticket_closed = Signal()
#: Someone said something: `ticket`, `message`.
message_added = Signal()
#: A webhook is due: nothing but `at`.
webhook_queued = Signal()
#: The customer said how it went: `ticket`, `review`.
ticket_reviewed = Signal()
#: How long will this ticket wait? `ticket`; whoever knows returns a `tickets.queue.Wait`.
wait_asked = Signal()
