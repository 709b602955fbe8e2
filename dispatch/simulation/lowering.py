"""The ways of lowering required levels on a simulated day: by the policy, by seconds, or never.

All strategies of a comparison get the same one.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from dispatch.rules.policy import Policy, lower_levels
from dispatch.simulation.day import Caller

#: Pairs of seconds of waiting and the levels required from then on.
Steps = Iterator[tuple[float, Mapping[str, int]]]
Lowering = Callable[[Caller], Steps]
#: Seconds after which `lower_after_seconds` lowers levels.
FORMERLY = (10.0, 12.0)


def lower_by_promise(policy: Policy) -> Lowering:
    """Lower levels as this policy does."""
    return partial(_by_promise, policy)


def _by_promise(policy: Policy, caller: Caller) -> Steps:
    promise = caller.ticket.due_at - caller.ticket.queued_at
    for step, wait in enumerate(policy.lowering_waits(promise), start=1):
        needs = policy.lower_skills(caller.ticket.skills, step, gives_way=caller.gives_way)
        yield wait.total_seconds(), needs


def keep_levels(caller: Caller) -> Steps:
    """Keep the levels, however long the customer waits."""
    return iter(())


def lower_after_seconds(caller: Caller) -> Steps:
    """Lower levels soon, and drop skills that come to level 0, as was done before version 1."""
    required = caller.ticket.skills
    for step, after in enumerate(FORMERLY, start=1):
        dropped = {skill for skill, level in required.items() if level <= step}
        yield after, lower_levels(required, step, dropped=dropped)
