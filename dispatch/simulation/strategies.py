"""The pairing rules that are compared: the product's matching, and first come first served."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.rules import matching
from dispatch.rules.policy import LANE_FILTERS, PAIR_FILTERS, FreeAgent, Policy, WaitingTicket
from dispatch.simulation.lowering import Lowering, keep_levels, lower_by_promise

Pairs = list[tuple[UUID, UUID]]
FILTERS = (*LANE_FILTERS.values(), *PAIR_FILTERS.values())


@dataclass(frozen=True)
class PairingRule:
    """A rule of pairing: the order of tickets in a queue, and the pairs of a wave.

    Everything else, such as when a ticket is offered to another agent too, follows the policy.
    Levels are lowered by `lowering`.
    """

    name: str
    sort_key: Callable[[WaitingTicket], datetime]
    pair: Callable[[Sequence[WaitingTicket], Sequence[FreeAgent], datetime], Pairs]
    policy: Policy
    #: True if it needs scarcity, which takes time to compute.
    uses_scarcity: bool = False
    lowering: Lowering = keep_levels
    #: A ticket is offered to two agents at once if agents accepted less than this share of the
    #: offers of its topic in the last hour. 0 means never.
    two_at_once_below: float = 0.0


def matching_rule(
    policy: Policy, *, name: str = "ours", lowering: Lowering | None = None
) -> PairingRule:
    """The product's matching under this policy."""
    lowered = lowering or lower_by_promise(policy)

    def sort_key(ticket: WaitingTicket) -> datetime:
        return ticket.due_at - policy.head_start(ticket.urgency)

    def pair(waiting: Sequence[WaitingTicket], free: Sequence[FreeAgent], at: datetime) -> Pairs:
        return [
            (found.ticket, found.agent)
            for found in matching.match(waiting, free, policy=policy, at=at)
        ]

    return PairingRule(name, sort_key, pair, policy, bool(policy.scarce), lowered)


def first_come_rule(
    policy: Policy, *, name: str = "first come", lowering: Lowering | None = None
) -> PairingRule:
    """First come first served: the longest waiting ticket goes to the longest idle agent able to.

    An agent who let this ticket time out comes last, because they would be offered it for ever.
    """
    return PairingRule(
        name,
        lambda ticket: ticket.queued_at,
        _pair_by_waiting_and_idle_time,
        policy,
        lowering=lowering or lower_by_promise(policy),
    )


def _pair_by_waiting_and_idle_time(
    waiting: Sequence[WaitingTicket], free: Sequence[FreeAgent], at: datetime
) -> Pairs:
    left = sorted(free, key=lambda agent: agent.idle_since)
    pairs = []
    for ticket in sorted(waiting, key=lambda ticket: ticket.queued_at):
        able = [agent for agent in left if not any(excludes(ticket, agent) for excludes in FILTERS)]
        if able:
            agent = min(able, key=lambda agent: agent.id in ticket.timed_out_by)
            pairs.append((ticket.id, agent.id))
            left.remove(agent)
    return pairs
