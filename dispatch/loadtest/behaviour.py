"""How quick, patient and reliable the actors are. Pure: the caller passes the random numbers."""

from dataclasses import dataclass
from random import Random
from typing import Literal

Decision = Literal["accept", "decline", "ignore"]
REASONS = ("not_now", "not_my_topic", "too_little_pay", "no_time", "")


@dataclass(frozen=True)
class Behaviour:
    """Shares are from 0 to 1, spans are means in seconds."""

    #: Of the offers shown: accepted, declined; the others are left to time out.
    accept_share: float
    decline_share: float
    #: Until an agent answers an offer.
    answer_after: float
    #: Until somebody writes the next words.
    reply_after: float
    #: The most exchanges of words in a conversation.
    max_exchanges: int
    #: Of the conversations: handed back rather than resolved; wrap-ups nobody ends.
    hand_back_share: float
    wrap_up_for: float
    forget_wrap_up_share: float
    #: Of the conversations: the agent loses the network meanwhile, for one of these spans.
    lose_network_share: float
    network_gone_for: tuple[float, ...]
    #: Of the customers: leave while they wait, leave while they talk, write while they wait.
    give_up_share: float
    leave_talk_share: float
    write_ahead_share: float
    #: Until a customer who gives up does so.
    patience: float

    def decide(self, rng: Random) -> Decision:
        drawn = rng.random()
        if drawn < self.accept_share:
            return "accept"
        return "decline" if drawn < self.accept_share + self.decline_share else "ignore"

    def sample_span(self, mean: float, rng: Random) -> float:
        """A span around this mean: never at once, never four times as long."""
        return min(max(rng.expovariate(1 / mean), mean / 10), mean * 4)


#: As quick as a platform can be made to hurt.
BRISK = Behaviour(
    accept_share=0.82,
    decline_share=0.14,
    answer_after=0.8,
    reply_after=0.7,
    max_exchanges=4,
    hand_back_share=0.12,
    wrap_up_for=1.0,
    forget_wrap_up_share=0.2,
    lose_network_share=0.04,
    network_gone_for=(4.0, 10.0, 60.0),
    give_up_share=0.1,
    leave_talk_share=0.08,
    write_ahead_share=0.4,
    patience=6.0,
)
#: As people are.
GENTLE = Behaviour(
    accept_share=0.8,
    decline_share=0.15,
    answer_after=6.0,
    reply_after=12.0,
    max_exchanges=6,
    hand_back_share=0.1,
    wrap_up_for=20.0,
    forget_wrap_up_share=0.1,
    lose_network_share=0.02,
    network_gone_for=(10.0, 60.0),
    give_up_share=0.1,
    leave_talk_share=0.06,
    write_ahead_share=0.3,
    patience=45.0,
)
BEHAVIOURS = {"brisk": BRISK, "gentle": GENTLE}
