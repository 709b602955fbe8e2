"""Injected faults: points at which a process can be made to die, and bugs that could be written.

A text that is not in its module any more stops the process that loads the module. Then the entry
here must follow the module.
"""

import os
import signal
from collections.abc import Mapping

#: Words of a module, and what is written in their place.
Changes = Mapping[str, list[tuple[str, str]]]

IMPORT = "import code_changes as _changes\n"


def dies(name: str, before: str, *, indent: int = 4) -> tuple[str, str]:
    """A point before these words: a process dies there when a file of its name and the point's
    lies in CHAOS_POINTS."""
    margin = " " * indent
    return f"{margin}{before}", f"{margin}_changes.point({name!r})\n{margin}{before}"


CRASHES: Changes = {
    "tickets.intake": [
        dies("before-commit", "for _ in range(ATTEMPTS):"),
        dies("after-commit", "_announce(ticket, *result.opened)\n", indent=12),
    ],
    "dispatch.waves.wave": [dies("match", 'log.info("wave", waiting')],
    "dispatch.realtime.push": [
        dies("notify", "for name, text in frames:\n        notifier.publish")
    ],
    "tickets.events.outbox": [dies("webhook", "took = int((time.monotonic()")],
    "dispatch.assignments": [dies("pay", "push.changed(held.agent_id)\n    return held")],
    "dispatch.offers": [dies("accept", "push.changed(held.agent_id)\n    return Assignment")],
}

BUGS: Mapping[str, Changes] = {
    # Looked at first, written afterwards, and nothing held in between. Nor is it told to others
    # that they are too late: each would wait for the other's row, and PostgreSQL end it.
    "accepted-without-the-lock": {
        "dispatch.offers": [
            ("ticket = lifecycle.lock(offer.ticket)", "ticket = offer.ticket"),
            ('held = Offer.objects.select_for_update(of=("self",))', "held = Offer.objects"),
            ("    _settle_others(held, at=at)\n", ""),
        ],
        "tickets.lifecycle": [
            (
                "    ticket = _move(ticket, BEGIN,",
                "    if Ticket.objects.get(pk=ticket.pk).status != Status.QUEUED:\n"
                "        raise TicketNotWaiting\n"
                "    _changes.linger()\n"
                "    ticket = _move(ticket, BEGIN.replace(\"AND status = 'queued'\", ''),",
            ),
        ],
    },
    # The answer goes out, the row follows.
    "acknowledged-before-commit": {
        "tickets.api.views": [("conversation.add_message(", "_changes.said_later(conversation)(")],
    },
    # An agent who asks twice is paid twice.
    "paid-without-its-key": {
        "dispatch.assignments": [
            ("    if held.finished_at:\n        return held", "    if False:\n        return held")
        ],
        "agents.pay.ledger": [
            (
                "JournalEntry.objects.get_or_create(**source, defaults=given)",
                "JournalEntry.objects.create(**{**given, **source}), True",
            ),
        ],
    },
}
#: The constraints that would refuse the bug's work, and are taken away with it.
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "accepted-without-the-lock": ("one_open_assignment_per_ticket", "one_assignment_per_epoch"),
    "acknowledged-before-commit": (),
    "paid-without-its-key": ("one_entry_per_source_and_kind",),
}

_bug = os.environ.get("CHAOS_BUG", "")
_here = "CHAOS_POINTS" in os.environ
MODULES = ({*CRASHES} | {*BUGS.get(_bug, {})}) if _here else set()


def changed(module: str, source: str) -> str:
    """The source of this module with its changes."""
    for words, instead in [*BUGS.get(_bug, {}).get(module, []), *CRASHES.get(module, [])]:
        if source.count(words) != 1:
            raise ImportError(f"{module} has changed, update code_changes.py: {words!r}")
        source = source.replace(words, instead)
    return source + f"\n{IMPORT}"


def point(name: str) -> None:
    """Die here, as `kill -9` would have it, if that was asked for."""
    armed = f"{os.environ['CHAOS_POINTS']}/{os.environ.get('CHAOS_PROCESS', '')}-{name}"
    try:
        os.unlink(armed)
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def linger() -> None:
    """A race that is rare becomes one that is sure."""
    import time

    time.sleep(0.03)


def said_later(conversation):
    """As `add_message`, but the row is written when the answer has long gone out."""
    import threading

    from tickets.models import Message, Ticket

    def add_message(ticket, **given):
        last = Ticket.objects.get(pk=ticket.pk).last_seq
        write = threading.Timer(0.5, conversation.add_message, [ticket], given)
        write.daemon = True
        write.start()
        return Message(ticket=ticket, seq=last + 1, **given), True

    return add_message
