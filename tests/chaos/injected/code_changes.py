"""Injected faults: crash points at which a process can be killed, and bugs.

If a text is no longer in its module, the process that loads the module stops. Then the entry here
must be updated.
"""

import os
import signal
from collections.abc import Mapping

#: Texts of a module with their replacements.
Changes = Mapping[str, list[tuple[str, str]]]

IMPORT = "import code_changes as _changes\n"


def add_crash(name: str, before: str, *, indent: int = 4) -> tuple[str, str]:
    """Return the change that adds a crash point before this text.

    A process dies there if CHAOS_POINTS has a file named after the process and the point.
    """
    margin = " " * indent
    return f"{margin}{before}", f"{margin}_changes.point({name!r})\n{margin}{before}"


CRASHES: Changes = {
    "tickets.intake": [
        add_crash("before-commit", "for _ in range(ATTEMPTS):"),
        add_crash("after-commit", "_announce(ticket, *result.opened)\n", indent=12),
    ],
    "dispatch.waves.wave": [add_crash("match", 'log.info("wave", waiting')],
    "dispatch.realtime.push": [
        add_crash("notify", "for name, text in frames:\n        notifier.publish")
    ],
    "tickets.events.outbox": [add_crash("webhook", "took = int((time.monotonic()")],
    "dispatch.assignments": [
        add_crash("pay", "push.request_reload(held.agent_id)\n    return held")
    ],
    "dispatch.offers": [
        add_crash("accept", "push.request_reload(held.agent_id)\n    return Assignment")
    ],
}

BUGS: Mapping[str, Changes] = {
    # The status is read first and written later, without a lock in between. The other offers are
    # not settled, because both transactions would then deadlock on them.
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
    # The answer is sent before the row is written.
    "acknowledged-before-commit": {
        "tickets.api.views": [("conversation.add_message(", "_changes.save_later(conversation)(")],
    },
    # An agent who finishes twice is paid twice.
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
#: The constraints that would stop the bug, dropped together with it.
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "accepted-without-the-lock": ("one_open_assignment_per_ticket", "one_assignment_per_epoch"),
    "acknowledged-before-commit": (),
    "paid-without-its-key": ("one_entry_per_source_and_kind",),
}

_bug = os.environ.get("CHAOS_BUG", "")
_here = "CHAOS_POINTS" in os.environ
MODULES = ({*CRASHES} | {*BUGS.get(_bug, {})}) if _here else set()


def apply_changes(module: str, source: str) -> str:
    """Return the source of this module with its changes."""
    for words, instead in [*BUGS.get(_bug, {}).get(module, []), *CRASHES.get(module, [])]:
        if source.count(words) != 1:
            raise ImportError(f"{module} has changed, update code_changes.py: {words!r}")
        source = source.replace(words, instead)
    return source + f"\n{IMPORT}"


def point(name: str) -> None:
    """Kill this process, as `kill -9` does, if the point is armed."""
    armed = f"{os.environ['CHAOS_POINTS']}/{os.environ.get('CHAOS_PROCESS', '')}-{name}"
    try:
        os.unlink(armed)
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def linger() -> None:
    """Sleep a little, so that a rare race becomes certain."""
    import time

    time.sleep(0.03)


def save_later(conversation):
    """Return an `add_message` that writes the row long after the answer was sent."""
    import threading

    from tickets.models import Message, Ticket

    def add_message(ticket, **given):
        last = Ticket.objects.get(pk=ticket.pk).last_seq
        write = threading.Timer(0.5, conversation.add_message, [ticket], given)
        write.daemon = True
        write.start()
        return Message(ticket=ticket, seq=last + 1, **given), True

    return add_message
