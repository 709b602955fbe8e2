"""Bugs that could be written any day: a few words of the real code changed, and a story in the
machine's own steps that meets them.

A word that is not there any more fails the test that sows it: then the bug is to be sown anew.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from agents import presence
from agents.pay import ledger
from dispatch import assignments, offers
from dispatch.realtime import push
from dispatch.waves import outcome, snapshot_query, wave
from dispatch.waves.snapshot import Shard
from tickets import conversation, intake, lifecycle
from tickets.events import outbox

#: A rule of the machine with its arguments.
Step = tuple[str, dict[str, Any]]
Story = tuple[Step, ...]


class Change(NamedTuple):
    """A function or a statement, and which of its words become which."""

    place: ModuleType
    name: str
    words: str
    instead: str


class Bug(NamedTuple):
    """Its changes, the story that meets it, and what finds it: an invariant, or a constraint of the
    database, as a pattern."""

    changes: tuple[Change, ...]
    story: Story
    found_by: str
    #: The constraint that is taken away first, so that an invariant has to find it.
    without: str = ""


def asked(*steps: Step, team: int = 1, places: int = 1, waiting: int = 1) -> Story:
    """A story that begins when somebody was asked."""
    agents = [(places, ("en",), 0)] * team
    return (("begin", {"team": agents, "waiting": waiting, "stage": "asked"}), *steps)


#: Somebody asks for what nobody there knows.
UNSKILLED: Story = (
    ("begin", {"team": [(1, ("en",), 0)], "waiting": 0, "stage": "waiting"}),
    ("escalate", {"key": 7, "customer": 7, "french": False, "level": 3}),
)
ACCEPT: Step = ("accept", {"which": 0, "lag": False})
TOO_LATE: Step = ("accept", {"which": 0, "lag": False, "last": 0})
DECLINE: Step = ("decline", {"which": 0, "because": "", "afterwards": False})
NOT_NOW: Step = ("decline", {**DECLINE[1], "because": "not_now"})
SAY: Step = ("say", {"which": 0, "word": 0, "twice": False})
CUSTOMER_SAYS: Step = (
    "customer_acts",
    {"which": 0, "word": 0, "foreign": False, "leaves": False},
)
RESOLVE: Step = ("close", {"which": 0, "how": "resolve", "lag": False})
FINISH: Step = ("close", {"which": 0, "how": "finish", "lag": False})
TAKE_AWAY: Step = ("step_in", {"which": 0, "how": "take away"})
WAVE: Step = ("wave", {"shard": Shard()})
TICK: Step = ("tick", {})
DELIVER: Step = ("deliver", {"late": False})
LEAVE: Step = ("attend", {"who": 0, "how": "offline"})
#: Whichever statement it is, one of them dies after the commit and before what follows from it.
LEAVE_AND_DIE = tuple(step for n in range(1, 20) for step in (("next_dies", {"after": n}), LEAVE))


def wait(seconds: int) -> Step:
    return ("time_passes", {"seconds": seconds})


def bot(mood: str) -> Step:
    return ("bot_changes", {"mood": mood})


LATE = (Change(offers, "accept", "pk=held.pk, expires_at__gt=Now()", "pk=held.pk"),)
#: Everybody who is available, with room or without.
WHOEVER_IS_HERE = (
    "(SELECT agent_id, split_part(word, '/', 1) AS language, idle_since, abilities"
    " FROM agents_presence, unnest(abilities) word"
    " WHERE status = 'available' AND word LIKE '%%/1') f"
)
OVERLOADED = (
    Change(snapshot_query, "SNAPSHOT_SQL", "agents_freeagententry f", WHOEVER_IS_HERE),
    Change(snapshot_query, "SNAPSHOT_SQL", "p.capacity - p.load", "1"),
    Change(outcome, "SAVE_SQL", "AND load < capacity", ""),
)
PAID_TWICE = (
    Change(assignments, "_finish", "if held.finished_at:", "if False:"),
    Change(
        ledger,
        "_post",
        "JournalEntry.objects.get_or_create(**source, defaults=given)",
        "JournalEntry.objects.create(**{**given, **source}), True",
    ),
)
ASKED_AT_ONCE = (
    Change(snapshot_query, "SNAPSHOT_SQL", "NOT t.offered", "true"),
    Change(snapshot_query, "SNAPSHOT_SQL", "NOT offered", "true"),
)
WHILE_HELD = (
    Change(snapshot_query, "SNAPSHOT_SQL", "status = 'queued'", "status IN ('queued', 'active')"),
)
WHOSE_PAGE = "(o.id, o.agent_id) IN ( SELECT *"
UNTOLD = (Change(offers, "accept", "_settle_others(held, at=at)", "pass"),)
STILL_ASKED = "_mark_reofferable([offer.ticket_id for offer in settled], at=at)"
FENCE = "if held.ended_at or held.epoch != ticket.epoch:"
UNFENCED = (Change(assignments, "_check", FENCE, "if False:"),)
ON_COMMIT = "transaction.on_commit(lambda: _send_all(frames), robust=True)"
TWICE = asked(ACCEPT, RESOLVE, FINISH, FINISH)
NEVER_SHOWN = "MISSED, at=at, limit=limit"
AGAIN: Step = ("escalate", {"key": 0, "customer": 0, "french": False, "level": 0})

BUGS = {
    "accepted late": Bug(LATE, asked(TOO_LATE), "accepted_before_it_expired"),
    "accepted late, unnoticed": Bug(
        LATE, asked(TOO_LATE), "S3 accepted too late", without="accepted_before_it_expired"
    ),
    "capacity is not looked at": Bug(OVERLOADED, asked(WAVE, waiting=2), "load_is_within_capacity"),
    "capacity is not looked at, unnoticed": Bug(
        OVERLOADED,
        asked(WAVE, waiting=2),
        "S2 more than their capacity",
        without="load_is_within_capacity",
    ),
    "work is paid twice": Bug(PAID_TWICE, TWICE, "one_entry_per_source_and_kind"),
    "work is paid twice, unnoticed": Bug(
        PAID_TWICE, TWICE, "S9 not paid exactly once", without="one_entry_per_source_and_kind"
    ),
    "an offer reserves no place": Bug(
        (Change(outcome, "SAVE_SQL", "load = load + 1", "load = load"),),
        asked(),
        "S2 load is not what they hold",
    ),
    "somebody else is asked at once": Bug(
        ASKED_AT_ONCE, asked(WAVE, team=2), "S1 not asked alone for long enough"
    ),
    "not now is no for no time": Bug(
        (Change(snapshot_query, "SNAPSHOT_SQL", "o.settled_at < %(lately)s", "true"),),
        asked(NOT_NOW, TICK),
        "S1 asked one who passed",
    ),
    "a ticket in conversation is offered": Bug(
        ASKED_AT_ONCE + WHILE_HELD,
        asked(ACCEPT, WAVE, places=2),
        "S5 asked for a ticket that does not wait",
    ),
    "the others are not told that somebody accepted": Bug(
        UNTOLD,
        asked(("somebody_hesitates", {"times": 1}), ACCEPT, team=2),
        "S5 asked for a ticket that does not wait",
    ),
    "a settled offer leaves its ticket asked for": Bug(
        (Change(offers, "_release", STILL_ASKED, "pass"),),
        asked(DECLINE),
        "S5 counts as asked for, and nobody is asked",
    ),
    "who lost their agent counts as asked for": Bug(
        (Change(lifecycle, "REQUEUE", "offered = false", "offered = true"),),
        asked(ACCEPT, TAKE_AWAY),
        "S5 counts as asked for, and nobody is asked",
    ),
    "who lost the ticket still speaks": Bug(UNFENCED, asked(ACCEPT, TAKE_AWAY, SAY), "S4"),
    "who lost the ticket resolves it for another": Bug(
        UNFENCED,
        asked(ACCEPT, TAKE_AWAY, WAVE, ACCEPT, ("close", {**RESOLVE[1], "which": 1})),
        "S4",
    ),
    "a page shows what somebody else was asked": Bug(
        (Change(offers, "SHOW_SQL", WHOSE_PAGE, "o.id IN (SELECT id"),),
        asked(("screens_show", {"acks": [(0, False)], "roll": False}), team=2),
        "S12",
    ),
    "a lost conversation is paid whole": Bug(
        (Change(assignments, "lose", "quote.time_pay(", "quote.final_pay("),),
        asked(ACCEPT, TAKE_AWAY),
        "S9 paid another amount than the rules say",
    ),
    "an escalation is not remembered": Bug(
        (
            Change(intake, "OPEN", "AND NOT EXISTS (SELECT FROM kept)", ""),
            Change(intake, "_explain", "if result.stored:", "if False:"),
        ),
        asked(AGAIN),
        "S11",
    ),
    "messages are numbered with gaps": Bug(
        (Change(conversation, "append", "last_seq + 1", "last_seq + 2"),),
        asked(CUSTOMER_SAYS),
        "S13",
    ),
    "news is sent in any order": Bug(
        (Change(outbox, "claim_due", "~Exists(earlier), ", ""),),
        asked(ACCEPT, bot("down"), DELIVER, SAY, bot("up"), DELIVER),
        "S14",
    ),
    "a push leaves before the commit": Bug(
        (Change(push, "send_offers", ON_COMMIT, "_send_all(frames)"),), asked(), "S16"
    ),
    "offers no screen showed never end": Bug(
        (Change(offers, "expire_overdue", NEVER_SHOWN, NEVER_SHOWN.replace("=limit", "=0")),),
        asked(wait(20), TICK),
        "L3",
    ),
    "silent agents are never found": Bug(
        (Change(presence, "sweep_silent", "[:limit]", "[:0]"),),
        asked(ACCEPT, ("attend", {"who": 0, "how": "closed"}), wait(45), TICK),
        "L4",
    ),
    "what a dead process left is never taken up": Bug(
        (Change(assignments, "sweep_gone", "gone[:limit]", "gone[:0]"),),
        asked(ACCEPT, *LEAVE_AND_DIE, TICK),
        "L4",
    ),
    "customers out of patience are not told": Bug(
        (Change(wave, "give_up_overdue", "[:limit]", "[:0]"),), asked(LEAVE, wait(150), TICK), "L2"
    ),
    "a skill is dropped that does not give way": Bug(
        (Change(wave, "_compute_level", "gives_way=ticket.gives_way", "gives_way=ticket.skills"),),
        (*UNSKILLED, wait(20), TICK),
        "Q1 less is asked for",
    ),
    "levels are lowered before the promise is over": Bug(
        (
            Change(lifecycle, "lower_levels", "lower_at__lte=at", "lower_at__isnull=False"),
            Change(wave, "_compute_level", "moment <= at", "moment > at"),
        ),
        (*UNSKILLED, wait(9), TICK),
        "Q1 lowered before",
    ),
    "tickets of normal urgency are not looked for": Bug(
        (Change(snapshot_query, "SNAPSHOT_SQL", "ARRAY[0, 1, 2]", "ARRAY[0, 2]"),),
        asked(TICK),
        "L6",
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
