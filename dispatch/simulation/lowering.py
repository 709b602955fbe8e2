"""When less is asked for in a played day: by the policy, as the product does it, or never.

The lowering is given to every way of pairing alike, so that they are compared like with like.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from dispatch.rules.policy import Policy, lower_levels
from dispatch.simulation.day import Caller

#: After how many seconds of waiting which levels are asked for, step by step.
Steps = Iterator[tuple[float, Mapping[str, int]]]
Lowering = Callable[[Caller], Steps]
#: Until version 1 levels were lowered after so many seconds, and what came to level 0 was dropped.
FORMERLY = (10.0, 12.0)


def by_promise(policy: Policy) -> Lowering:
    """As this policy lowers levels."""
    return partial(_by_promise, policy)


def _by_promise(policy: Policy, caller: Caller) -> Steps:
    promise = caller.ticket.due_at - caller.ticket.queued_at
    for step, wait in enumerate(policy.lowers_after(promise), start=1):
        needs = policy.asked_for(caller.ticket.skills, step, gives_way=caller.gives_way)
        yield wait.total_seconds(), needs


def never(caller: Caller) -> Steps:
    """What is asked for stays, however long somebody waits."""
    return iter(())


def formerly(caller: Caller) -> Steps:
    """As it was until version 1: soon, and skills asked for at a low level dropped."""
    asked = caller.ticket.skills
    for step, after in enumerate(FORMERLY, start=1):
        dropped = {skill for skill, level in asked.items() if level <= step}
        yield after, lower_levels(asked, step, dropped=dropped)
