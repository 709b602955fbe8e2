"""A kept connection is looked at, not spoken to, before it is used again."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend named by the settings."""

    def is_usable(self) -> bool:
        """Whether the server has kept the line.

        A server that stops, or ends a session, says so and hangs up: on a line where nothing was
        asked, something to read is a farewell. Asking `SELECT 1` instead would be a fifth of all
        that PostgreSQL does for an escalation.
        """
        line = self.connection
        if line is None or line.closed:
            return False
        look = select.poll()
        look.register(line.fileno(), select.POLLIN)
        return not look.poll(0)
