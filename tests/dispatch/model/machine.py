"""The state machine: the platform's own steps and its faults, in any order."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agents import presence
from dispatch import scheduler
from dispatch.waves import wave
from dispatch.waves.snapshot import Shard
from tests.dispatch.model import invariants
from tests.dispatch.model.base import NTH, SELDOM, raise_breaches
from tests.dispatch.model.people import People
from tickets.events import outbox
from tickets.models import WebhookDelivery

#: Both sides of every deadline: 20 s to be shown, 45 s of silence, 60 s and its grace.
SECONDS = st.sampled_from(
    [1, 2, 5, 5, 10, 10, 19, 20, 21, 40, 44, 45, 46, 59, 60, 64, 65, 66, 120, 150]
)
SHARDS = st.sampled_from([Shard(), Shard(), Shard(0, 2), Shard(1, 2)])
#: Rounds and seconds a round until all is settled: silence, a last offer, patience, a tick each.
ROUNDS, ROUND = 14, 25


class Dispatch(People):
    """The real verbs in random order."""

    @precondition(lambda self: self.world.broker.kept)
    @rule(which=NTH, outcome=st.sampled_from(["comes", "comes", "comes twice", "lost", "all lost"]))
    def deliver_hint(self, which: int, outcome: str) -> None:
        """Deliver a hint, in any order, once, twice or never; or lose all hints."""
        kept = self.world.broker.kept
        given = kept.pop(which % len(kept))
        if outcome == "all lost":
            kept.clear()
        for _ in range({"comes": 1, "comes twice": 2}.get(outcome, 0)):
            self.world.act(lambda at: given())

    @rule(shard=SHARDS)
    def wave(self, shard: Shard) -> None:
        self.world.act(lambda at: wave.run(at=at, shard=shard))

    @rule(times=st.integers(1, 2))
    def agent_hesitates(self, times: int) -> None:
        """Pass the exclusive time, so that another agent gets an offer too."""
        for _ in range(times):
            self.time_passes(20)
            self.world.act(lambda at: wave.reopen_hesitant(at=at))
            self.wave(Shard())
            self.check_rows()

    @rule(part=st.integers(0, len(scheduler.DUE) - 1), lag=SELDOM)
    def part_of_a_tick(self, part: int, lag: bool) -> None:
        self.world.act(scheduler.DUE[part][1], lag=lag)

    @rule()
    def tick(self) -> None:
        """Run everything due, and check what must hold after a tick."""
        interfered = self.world.dies_at is not None or self.world.held
        for _name, part in scheduler.DUE:
            if self.world.act(part):
                self.check_rows()
        if not interfered:
            self._keep_ticking()
            raise_breaches(invariants.find_breaches(invariants.AFTER_A_TICK))

    def _keep_ticking(self) -> None:
        """Run the next waves, because one wave gives each agent one offer at most."""
        for _ in range(5):
            if not self.world.act(lambda at: wave.run(at=at)):
                break
            self.check_rows()

    @rule(late=st.booleans())
    def deliver(self, late: bool) -> None:
        overdue = outbox.LATE if late else timedelta()
        self.world.act(lambda at: outbox.deliver_due(overdue_by=overdue))

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        """Pass time; open pages send their heartbeats."""
        self.world.pass_time(seconds)
        self.world.act(lambda at: presence.record_heartbeats(list(self.open_pages), at=at))
        self.check_rows()

    @rule(after=st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20]))
    def next_dies(self, after: int) -> None:
        """The next step dies at this statement or commit."""
        self.world.dies_at = after

    @rule(which=NTH, agent=st.booleans())
    def next_meets_a_lock(self, which: int, agent: bool) -> None:
        """Another connection locks a row during the next step."""
        if agent:
            self.world.held = ("agents_presence", self.pick_agent(which).pk)
        elif self.before.tickets:
            self.world.held = ("tickets_ticket", UUID(self.newest_ticket(which)))

    def teardown(self) -> None:
        """End the run: recover from all faults, unless an invariant is already broken."""
        try:
            if self.sound:
                self.recover()
        finally:
            self._surroundings.close()

    def recover(self) -> None:
        """End all faults and answers, tick on, and check that everything is settled."""
        self.world.end_faults()
        for _ in range(ROUNDS):
            self.time_passes(ROUND)
            self.tick()
            self.deliver(late=True)
            if not invariants.find_breaches(invariants.IN_THE_END):
                break
        raise_breaches(invariants.find_breaches(invariants.IN_THE_END))
        self._deliver_the_rest()
        expected = {
            (str(row.ticket_id), row.type) for row in WebhookDelivery.objects.filter(dead_at=None)
        }
        raise_breaches(
            [
                f"L2 not delivered: {missing}"
                for missing in sorted(expected - self.world.bot.received)
            ]
        )

    def _deliver_the_rest(self) -> None:
        for _ in outbox.SCHEDULE:
            if not (undelivered := invariants.find_breaches(invariants.WEBHOOKS_IN_THE_END)):
                return
            self.world.pass_time(timedelta(hours=25).total_seconds())
            self.deliver(late=True)
        raise_breaches(undelivered)
