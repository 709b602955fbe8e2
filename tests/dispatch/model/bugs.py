"""Plausible bugs: each changes a few words of the real code and has a story that meets it.

A story is a list of the machine's own steps. The test of a bug fails when its words are no longer
in the code. Then write the change anew.
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
    """A function or SQL statement, and the words in it to replace."""

    place: ModuleType
    name: str
    words: str
    instead: str


class Bug(NamedTuple):
    """The changes, the story that meets them, and what finds them, as a pattern.

    An invariant or a constraint of the database finds a bug.
    """

    changes: tuple[Change, ...]
    story: Story
    found_by: str
    #: The constraint to drop first, so that an invariant has to find the bug.
    without: str = ""


def offered(*steps: Step, team: int = 1, places: int = 1, waiting: int = 1) -> Story:
    """A story that begins with a pending offer."""
    agents = [(places, ("en",), 0)] * team
    return (("begin", {"team": agents, "waiting": waiting, "stage": "offered"}), *steps)


#: A ticket that requires a skill no agent has.
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
#: The process dies at every statement in turn, so once between the commit and its hooks.
LEAVE_AND_DIE = tuple(step for n in range(1, 20) for step in (("next_dies", {"after": n}), LEAVE))


def wait(seconds: int) -> Step:
    return ("time_passes", {"seconds": seconds})


def bot(mood: str) -> Step:
    return ("bot_changes", {"mood": mood})


LATE = (Change(offers, "accept", "pk=held.pk, expires_at__gt=Now()", "pk=held.pk"),)
#: All available agents, with room or without.
ALL_AVAILABLE = (
    "(SELECT agent_id, split_part(word, '/', 1) AS language, idle_since, abilities"
    " FROM agents_presence, unnest(abilities) word"
    " WHERE status = 'available' AND word LIKE '%%/1') f"
)
OVERLOADED = (
    Change(snapshot_query, "SNAPSHOT_SQL", "agents_freeagententry f", ALL_AVAILABLE),
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
OFFERED_AT_ONCE = (
    Change(snapshot_query, "SNAPSHOT_SQL", "NOT t.offered", "true"),
    Change(snapshot_query, "SNAPSHOT_SQL", "NOT offered", "true"),
)
WHILE_HELD = (
    Change(snapshot_query, "SNAPSHOT_SQL", "status = 'queued'", "status IN ('queued', 'active')"),
)
OWN_OFFERS_ONLY = "(o.id, o.agent_id) IN ( SELECT *"
NOT_WITHDRAWN = (Change(offers, "accept", "_settle_others(held, at=at)", "pass"),)
CLEAR_OFFERED = "_mark_reofferable([offer.ticket_id for offer in settled], at=at)"
FENCE = "if held.ended_at or held.epoch != ticket.epoch:"
UNFENCED = (Change(assignments, "_check", FENCE, "if False:"),)
ON_COMMIT = "transaction.on_commit(lambda: _send_all(frames), robust=True)"
TWICE = offered(ACCEPT, RESOLVE, FINISH, FINISH)
NEVER_SHOWN = "MISSED, at=at, limit=limit"
AGAIN: Step = ("escalate", {"key": 0, "customer": 0, "french": False, "level": 0})

BUGS = {
    "accepted late": Bug(LATE, offered(TOO_LATE), "accepted_before_it_expired"),
    "accepted late, without the constraint": Bug(
        LATE, offered(TOO_LATE), "S3 accepted too late", without="accepted_before_it_expired"
    ),
    "capacity is ignored": Bug(OVERLOADED, offered(WAVE, waiting=2), "load_is_within_capacity"),
    "capacity is ignored, without the constraint": Bug(
        OVERLOADED,
        offered(WAVE, waiting=2),
        "S2 load above capacity",
        without="load_is_within_capacity",
    ),
    "work is paid twice": Bug(PAID_TWICE, TWICE, "one_entry_per_source_and_kind"),
    "work is paid twice, without the constraint": Bug(
        PAID_TWICE, TWICE, "S9 not paid exactly once", without="one_entry_per_source_and_kind"
    ),
    "an offer reserves no place": Bug(
        (Change(outcome, "SAVE_SQL", "load = load + 1", "load = load"),),
        offered(),
        "S2 load differs from the rows",
    ),
    "another agent is offered it at once": Bug(
        OFFERED_AT_ONCE, offered(WAVE, team=2), "S1 exclusive time cut short"
    ),
    "not now has no effect": Bug(
        (Change(snapshot_query, "SNAPSHOT_SQL", "o.settled_at < %(lately)s", "true"),),
        offered(NOT_NOW, TICK),
        "S1 offered again after a decline",
    ),
    "a ticket in conversation is offered": Bug(
        OFFERED_AT_ONCE + WHILE_HELD,
        offered(ACCEPT, WAVE, places=2),
        "S5 offer of a ticket that is not queued",
    ),
    "other offers are not withdrawn after an acceptance": Bug(
        NOT_WITHDRAWN,
        offered(("agent_hesitates", {"times": 1}), ACCEPT, team=2),
        "S5 offer of a ticket that is not queued",
    ),
    "a settled offer leaves its ticket marked as offered": Bug(
        (Change(offers, "_release", CLEAR_OFFERED, "pass"),),
        offered(DECLINE),
        "S5 marked as offered without a pending offer",
    ),
    "a requeued ticket counts as offered": Bug(
        (Change(lifecycle, "REQUEUE", "offered = false", "offered = true"),),
        offered(ACCEPT, TAKE_AWAY),
        "S5 marked as offered without a pending offer",
    ),
    "an agent who lost the ticket still writes": Bug(
        UNFENCED, offered(ACCEPT, TAKE_AWAY, SAY), "S4"
    ),
    "an agent who lost the ticket resolves it": Bug(
        UNFENCED,
        offered(ACCEPT, TAKE_AWAY, WAVE, ACCEPT, ("close", {**RESOLVE[1], "which": 1})),
        "S4",
    ),
    "a page shows another agent's offer": Bug(
        (Change(offers, "SHOW_SQL", OWN_OFFERS_ONLY, "o.id IN (SELECT id"),),
        offered(("screens_show", {"acks": [(0, False)], "roll": False}), team=2),
        "S12",
    ),
    "a lost conversation is paid whole": Bug(
        (Change(assignments, "lose", "quote.time_pay(", "quote.final_pay("),),
        offered(ACCEPT, TAKE_AWAY),
        "S9 paid another amount than the rules say",
    ),
    "an idempotency key is not stored": Bug(
        (
            Change(intake, "OPEN", "AND NOT EXISTS (SELECT FROM kept)", ""),
            Change(intake, "_explain", "if result.stored:", "if False:"),
        ),
        offered(AGAIN),
        "S11",
    ),
    "messages are numbered with gaps": Bug(
        (Change(conversation, "append", "last_seq + 1", "last_seq + 2"),),
        offered(CUSTOMER_SAYS),
        "S13",
    ),
    "webhooks are sent in any order": Bug(
        (Change(outbox, "claim_due", "~Exists(earlier), ", ""),),
        offered(ACCEPT, bot("down"), DELIVER, SAY, bot("up"), DELIVER),
        "S14",
    ),
    "a push leaves before the commit": Bug(
        (Change(push, "send_offers", ON_COMMIT, "_send_all(frames)"),), offered(), "S16"
    ),
    "unshown offers never expire": Bug(
        (Change(offers, "expire_overdue", NEVER_SHOWN, NEVER_SHOWN.replace("=limit", "=0")),),
        offered(wait(20), TICK),
        "L3",
    ),
    "silent agents are never swept": Bug(
        (Change(presence, "sweep_silent", "[:limit]", "[:0]"),),
        offered(ACCEPT, ("attend", {"who": 0, "how": "closed"}), wait(45), TICK),
        "L4",
    ),
    "the work of a dead process is never resumed": Bug(
        (Change(assignments, "sweep_gone", "gone[:limit]", "gone[:0]"),),
        offered(ACCEPT, *LEAVE_AND_DIE, TICK),
        "L4",
    ),
    "tickets past their patience are not given up": Bug(
        (Change(wave, "give_up_overdue", "[:limit]", "[:0]"),),
        offered(LEAVE, wait(150), TICK),
        "L2",
    ),
    "a skill is dropped that does not give way": Bug(
        (Change(wave, "_compute_level", "gives_way=ticket.gives_way", "gives_way=ticket.skills"),),
        (*UNSKILLED, wait(20), TICK),
        "Q1 lower levels than",
    ),
    "levels are lowered before the promise is over": Bug(
        (
            Change(lifecycle, "lower_levels", "lower_at__lte=at", "lower_at__isnull=False"),
            Change(wave, "_compute_level", "moment <= at", "moment > at"),
        ),
        (*UNSKILLED, wait(9), TICK),
        "Q1 lowered before",
    ),
    "tickets of normal urgency are not read": Bug(
        (Change(snapshot_query, "SNAPSHOT_SQL", "ARRAY[0, 1, 2]", "ARRAY[0, 2]"),),
        offered(TICK),
        "L6",
    ),
}


@contextmanager
def apply_bug(changes: tuple[Change, ...]) -> Iterator[None]:
    """Run with these changes in the real code."""
    with pytest.MonkeyPatch.context() as patch:
        for change in changes:
            _apply(change, patch)
        yield


def _apply(change: Change, patch: pytest.MonkeyPatch) -> None:
    was = getattr(change.place, change.name)
    source = was if isinstance(was, str) else inspect.getsource(was)
    assert change.words in source, f"{change.name} has changed: write this bug anew"
    changed = source.replace(change.words, change.instead)
    if isinstance(was, str):
        patch.setattr(change.place, change.name, changed)
    else:
        # The new function is compiled in its module, so that it uses and replaces the real names.
        patch.setitem(vars(change.place), change.name, was)
        exec(compile(changed, str(change.place.__file__), "exec"), vars(change.place))
