"""Tempers: how quick, patient and reliable the actors are. Pure; chance is handed in."""

from dataclasses import dataclass
from random import Random
from typing import Literal

Decision = Literal["accept", "decline", "ignore"]
REASONS = ("not_now", "not_my_topic", "too_little_pay", "no_time", "")


@dataclass(frozen=True)
class Behaviour:
    """Shares are from 0 to 1, spans are means in seconds."""

    #: Of the offers shown: accepted, declined; the others are left to time out.
    accepts: float
    declines: float
    #: Until an agent answers an offer.
    hesitates: float
    #: Until somebody writes the next words.
    thinks: float
    #: The most exchanges of words in a conversation.
    talks: int
    #: Of the conversations: handed back rather than resolved; wrap-ups nobody ends.
    hands_back: float
    wraps_up: float
    forgets_wrap_up: float
    #: Of the conversations: the agent's line is cut meanwhile, for one of these spans.
    vanishes: float
    gone_for: tuple[float, ...]
    #: Of the customers: leave while they wait, leave while they talk, write while they wait.
    gives_up: float
    walks_out: float
    writes_ahead: float
    #: Until a customer who gives up does so.
    patience: float

    def decides(self, chance: Random) -> Decision:
        drawn = chance.random()
        if drawn < self.accepts:
            return "accept"
        return "decline" if drawn < self.accepts + self.declines else "ignore"

    def after(self, mean: float, chance: Random) -> float:
        """A span around this mean: never at once, never four times as long."""
        return min(max(chance.expovariate(1 / mean), mean / 10), mean * 4)


#: As quick as a platform can be made to hurt.
BRISK = Behaviour(
    accepts=0.82,
    declines=0.14,
    hesitates=0.8,
    thinks=0.7,
    talks=4,
    hands_back=0.12,
    wraps_up=1.0,
    forgets_wrap_up=0.2,
    vanishes=0.04,
    gone_for=(4.0, 10.0, 60.0),
    gives_up=0.1,
    walks_out=0.08,
    writes_ahead=0.4,
    patience=6.0,
)
#: As people are.
GENTLE = Behaviour(
    accepts=0.8,
    declines=0.15,
    hesitates=6.0,
    thinks=12.0,
    talks=6,
    hands_back=0.1,
    wraps_up=20.0,
    forgets_wrap_up=0.1,
    vanishes=0.02,
    gone_for=(10.0, 60.0),
    gives_up=0.1,
    walks_out=0.06,
    writes_ahead=0.3,
    patience=45.0,
)
TEMPERS = {"brisk": BRISK, "gentle": GENTLE}
