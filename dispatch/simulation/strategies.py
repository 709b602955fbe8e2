"""The ways of pairing that are compared: the product's own, and first come first served."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.rules import matching
from dispatch.rules.policy import LANE_FILTERS, PAIR_FILTERS, FreeAgent, Policy, WaitingTicket
from dispatch.simulation.lowering import Lowering, by_promise, never

Pairs = list[tuple[UUID, UUID]]
FILTERS = (*LANE_FILTERS.values(), *PAIR_FILTERS.values())


@dataclass(frozen=True)
class PairingRule:
    """A way of pairing: who is next in a line, and who is asked for whom.

    What is no question of pairing, such as when another agent is asked too, is the policy's,
    whatever the way; when levels are lowered is `lowering`'s, by default the policy's.
    """

    name: str
    turn: Callable[[WaitingTicket], datetime]
    pairs: Callable[[Sequence[WaitingTicket], Sequence[FreeAgent], datetime], Pairs]
    policy: Policy
    #: Whether it asks how rare what agents can do is: working that out takes its time.
    looks_ahead: bool = False
    lowering: Lowering = never
    #: Two agents are asked at once where all agents together said yes to less than this share of
    #: the offers of a topic in the hour. At 0 never.
    two_at_once_below: float = 0.0


def ours(policy: Policy, *, name: str = "ours", lowering: Lowering | None = None) -> PairingRule:
    """The product's own matching under this policy."""
    lowered = lowering or by_promise(policy)

    def turn(ticket: WaitingTicket) -> datetime:
        return ticket.due_at - policy.head_start(ticket.urgency)

    def pairs(waiting: Sequence[WaitingTicket], free: Sequence[FreeAgent], at: datetime) -> Pairs:
        return [
            (found.ticket, found.agent)
            for found in matching.match(waiting, free, policy=policy, at=at)
        ]

    return PairingRule(name, turn, pairs, policy, bool(policy.scarce), lowered)


def first_come(
    policy: Policy, *, name: str = "first come", lowering: Lowering | None = None
) -> PairingRule:
    """Whoever waits longest is served first, by whoever able has been idle longest.

    Whoever let this very offer time out is asked after everybody else, or they would be asked for
    it for ever.
    """
    return PairingRule(
        name,
        lambda ticket: ticket.queued_at,
        _to_the_longest_idle,
        policy,
        lowering=lowering or by_promise(policy),
    )


def _to_the_longest_idle(
    waiting: Sequence[WaitingTicket], free: Sequence[FreeAgent], at: datetime
) -> Pairs:
    left = sorted(free, key=lambda agent: agent.idle_since)
    pairs = []
    for ticket in sorted(waiting, key=lambda ticket: ticket.queued_at):
        able = [agent for agent in left if not any(no(ticket, agent) for no in FILTERS)]
        if able:
            agent = min(able, key=lambda agent: agent.id in ticket.timed_out_by)
            pairs.append((ticket.id, agent.id))
            left.remove(agent)
    return pairs
