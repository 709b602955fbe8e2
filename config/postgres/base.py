"""Checks a kept connection without a query before reuse."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The database backend that the settings name."""

    def is_usable(self) -> bool:
        """True if the server has kept the connection open.

        A server that stops or ends a session sends a message and closes. Before a query there is
        nothing else to read, so readable bytes mean a closed connection. `SELECT 1` instead would
        be a fifth of PostgreSQL's work for an escalation.
        """
        line = self.connection
        if line is None or line.closed:
            return False
        look = select.poll()
        look.register(line.fileno(), select.POLLIN)
        return not look.poll(0)
