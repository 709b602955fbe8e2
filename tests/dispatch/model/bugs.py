"""Bugs that could be written any day, as changes of a few words of the real code.

A word that is not there any more fails the test that sows it: then the bug is to be sown anew.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple

import pytest

from agents import presence
from agents.pay import ledger
from dispatch import assignments, glance, offers, waves, writing
from tickets import conversation, idempotency, webhooks


class Change(NamedTuple):
    """A function or a statement, and which of its words become which."""

    place: ModuleType
    name: str
    words: str
    instead: str


class Bug(NamedTuple):
    """Its changes, and what finds it, a pattern: an invariant, or a constraint of the database."""

    found_by: str
    changes: tuple[Change, ...]
    #: The constraint that is taken away first, so that an invariant has to find it.
    without: str = ""


LATE = (Change(offers, "accept", "pk=held.pk, expires_at__gt=Now()", "pk=held.pk"),)
OVERLOADED = (
    Change(glance, "READ", "p.load < p.capacity", "true"),
    Change(glance, "READ", "p.capacity - p.load", "1"),
    Change(writing, "WRITE", "AND load < capacity", ""),
)
PAID_TWICE = (
    Change(assignments, "finish", "if held.finished_at:", "if False:"),
    Change(
        ledger,
        "_post",
        "JournalEntry.objects.get_or_create(**source, defaults=given)",
        "JournalEntry.objects.create(**{**given, **source}), True",
    ),
)
KEY_FORGOTTEN = (Change(idempotency, "once", "known := _known(client, key)", "known := ()"),)

BUGS = {
    "an offer is accepted late": Bug("accepted_before_it_expired", LATE),
    "an offer is accepted late, unnoticed": Bug("S3 accepted", LATE, "accepted_before_it_expired"),
    "capacity is not looked at": Bug("load_is_within_capacity", OVERLOADED),
    "capacity is not looked at, unnoticed": Bug("S2 more", OVERLOADED, "load_is_within_capacity"),
    "work is paid twice": Bug("one_entry_per_source_and_kind", PAID_TWICE),
    "work is paid twice, unnoticed": Bug(
        "S9 not paid exactly once", PAID_TWICE, "one_entry_per_source_and_kind"
    ),
    "an offer reserves no place": Bug(
        "S2 load is not", (Change(writing, "WRITE", "load = load + 1", "load = load"),)
    ),
    "who is asked for is asked for again at once": Bug(
        "S1 not asked alone",
        (
            Change(glance, "READ", "NOT t.asked", "true"),
            Change(glance, "READ", "NOT asked", "true"),
        ),
    ),
    "a ticket in conversation is offered": Bug(
        "S17 asked for a ticket that does not wait",
        (
            Change(glance, "READ", "status = 'queued'", "status IN ('queued', 'active')"),
            Change(glance, "READ", "NOT t.asked", "true"),
            Change(glance, "READ", "NOT asked", "true"),
        ),
    ),
    "the others are not told that somebody accepted": Bug(
        "S5 asked for a ticket that does not wait",
        (Change(offers, "accept", "_tell_the_others(held, at=at)", "pass"),),
    ),
    "a settled offer leaves its ticket asked for": Bug(
        "S5 counts as asked",
        (
            Change(
                offers, "_free", "_ask_again([offer.ticket_id for offer in settled], at=at)", "pass"
            ),
        ),
    ),
    "who lost the ticket still speaks and resolves": Bug(
        "S4",
        (
            Change(
                assignments, "hold", "if held.ended_at or held.epoch != ticket.epoch:", "if False:"
            ),
        ),
    ),
    "a page shows what somebody else was asked": Bug(
        "S12", (Change(offers, "show", " if whose[pk] == agent", ""),)
    ),
    "a lost conversation is paid whole": Bug(
        "S9 paid another amount",
        (Change(assignments, "lose", "quote.for_time_only(", "quote.final("),),
    ),
    "an escalation is not remembered": Bug("S11|one_answer_per_key", KEY_FORGOTTEN),
    "news is sent in any order": Bug(
        "S14", (Change(webhooks, "claim_due", "~Exists(earlier), ", ""),)
    ),
    "messages are numbered anyhow": Bug(
        "S13", (Change(conversation, "add_message", "last_seq + 1", "last_seq + 1 + ticket.epoch"),)
    ),
    "offers no screen showed never end": Bug(
        "L3",
        (Change(offers, "expire_overdue", "MISSED, at=at, limit=limit", "MISSED, at=at, limit=0"),),
    ),
    "silent agents are never found": Bug(
        "L4", (Change(presence, "sweep_silent", "[:limit]", "[:0]"),)
    ),
    "a dead process's work is never taken up": Bug(
        "L4", (Change(assignments, "sweep_gone", "gone[:limit]", "gone[:0]"),)
    ),
    "customers out of patience are not told": Bug(
        "L2", (Change(waves, "give_up_overdue", "[:limit]", "[:0]"),)
    ),
    "who lost their agent waits behind a mark": Bug(
        "S5 counts as asked", (Change(waves.lifecycle, "requeue", "asked=False", "asked=True"),)
    ),
}


@contextmanager
def sown(changes: tuple[Change, ...]) -> Iterator[None]:
    """The real code, changed."""
    with pytest.MonkeyPatch.context() as patch:
        for change in changes:
            _sow(change, patch)
        yield


def _sow(change: Change, patch: pytest.MonkeyPatch) -> None:
    was = getattr(change.place, change.name)
    source = was if isinstance(was, str) else inspect.getsource(was)
    assert change.words in source, f"{change.name} has changed: sow this bug anew"
    changed = source.replace(change.words, change.instead)
    if isinstance(was, str):
        patch.setattr(change.place, change.name, changed)
    else:
        # Its module's own names, so that it sees and is seen as the real one is.
        patch.setitem(vars(change.place), change.name, was)
        exec(compile(changed, str(change.place.__file__), "exec"), vars(change.place))
