"""`manage.py audit`: checks the invariants over all rows; exits 1 if one is broken."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from dispatch.operations import audit
from dispatch.operations.invariants import Window
from tickets import clock


class Command(BaseCommand):
    help = "Checks all invariants over all rows and lists the ids of rows that break one."

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit.run(Window(clock.now(), audit.EVER))
        for name, subject in found:
            self.stdout.write(f"{name} {subject}")
        self.stdout.write(f"{len(audit.INVARIANTS)} invariants, {len(found)} breaches")
        if found:
            sys.exit(1)
