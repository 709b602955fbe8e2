"""The machine: what the platform's own parts do, and what goes wrong with them, in any order."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agents import presence
from dispatch import scheduler
from dispatch.waves import wave
from dispatch.waves.snapshot import Shard
from tests.dispatch.model import invariants
from tests.dispatch.model.base import NTH, SELDOM, refuse
from tests.dispatch.model.people import People
from tickets.events import outbox
from tickets.models import WebhookDelivery

#: Each side of every deadline there is: 20 s to be shown, 45 s of silence, 60 s and its grace.
SECONDS = st.sampled_from(
    [1, 2, 5, 5, 10, 10, 19, 20, 21, 40, 44, 45, 46, 59, 60, 64, 65, 66, 120, 150]
)
SHARDS = st.sampled_from([Shard(), Shard(), Shard(0, 2), Shard(1, 2)])
#: By then all is settled once faults end: silence, a last offer, patience, each a tick late.
ROUNDS, ROUND = 14, 25


class Dispatch(People):
    """The real verbs, driven at random."""

    @precondition(lambda self: self.world.broker.kept)
    @rule(which=NTH, fate=st.sampled_from(["comes", "comes", "comes twice", "lost", "all lost"]))
    def hint(self, which: int, fate: str) -> None:
        """In any order, twice, never; or the broker forgets everything."""
        kept = self.world.broker.kept
        given = kept.pop(which % len(kept))
        if fate == "all lost":
            kept.clear()
        for _ in range({"comes": 1, "comes twice": 2}.get(fate, 0)):
            self.world.act(lambda at: given())

    @rule(shard=SHARDS)
    def wave(self, shard: Shard) -> None:
        self.world.act(lambda at: wave.run(at=at, shard=shard))

    @rule(times=st.integers(1, 2))
    def somebody_hesitates(self, times: int) -> None:
        """Long enough for the next to be asked too."""
        for _ in range(times):
            self.time_passes(20)
            self.world.act(lambda at: wave.reopen_hesitant(at=at))
            self.wave(Shard())
            self.nothing_is_broken()

    @rule(part=st.integers(0, len(scheduler.DUE) - 1), lag=SELDOM)
    def part_of_a_tick(self, part: int, lag: bool) -> None:
        self.world.act(scheduler.DUE[part][1], lag=lag)

    @rule()
    def tick(self) -> None:
        """All that is due, and then it is done."""
        interfered = self.world.dies_at is not None or self.world.held
        for _name, part in scheduler.DUE:
            if self.world.act(part):
                self.nothing_is_broken()
        if not interfered:
            self._keep_ticking()
            refuse(invariants.broken(invariants.AFTER_A_TICK))

    def _keep_ticking(self) -> None:
        """The next seconds' waves: one gives each agent one offer at most."""
        for _ in range(5):
            if not self.world.act(lambda at: wave.run(at=at)):
                break
            self.nothing_is_broken()

    @rule(late=st.booleans())
    def deliver(self, late: bool) -> None:
        overdue = outbox.LATE if late else timedelta()
        self.world.act(lambda at: outbox.deliver_due(overdue_by=overdue))

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        """Pages that are open beat."""
        self.world.pass_time(seconds)
        self.world.act(lambda at: presence.seen(list(self.open_pages), at=at))
        self.nothing_is_broken()

    @rule(after=st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20]))
    def next_dies(self, after: int) -> None:
        """Whoever acts next dies at this statement or commit."""
        self.world.dies_at = after

    @rule(which=NTH, agent=st.booleans())
    def next_meets_a_lock(self, which: int, agent: bool) -> None:
        """Somebody holds a row while the next one acts."""
        if agent:
            self.world.held = ("agents_presence", self.agent(which).pk)
        elif self.before.tickets:
            self.world.held = ("tickets_ticket", UUID(self.newest_ticket(which)))

    def teardown(self) -> None:
        """Faults end and the scheduler alone goes on, its broker dead: all comes to its end."""
        try:
            if self.sound:
                self.recover()
        finally:
            self._surroundings.close()

    def recover(self) -> None:
        """Hints are lost, nobody answers any more, the bot listens: all comes to its end."""
        self.world.faultless()
        for _ in range(ROUNDS):
            self.time_passes(ROUND)
            self.tick()
            self.deliver(late=True)
            if not invariants.broken(invariants.IN_THE_END):
                break
        refuse(invariants.broken(invariants.IN_THE_END))
        self._tell_the_rest()
        told = {
            (str(row.ticket_id), row.type) for row in WebhookDelivery.objects.filter(dead_at=None)
        }
        refuse([f"L2 not told: {missing}" for missing in sorted(told - self.world.bot.told)])

    def _tell_the_rest(self) -> None:
        for _ in outbox.SCHEDULE:
            if not (untold := invariants.broken(invariants.NEWS_IN_THE_END)):
                return
            self.world.pass_time(timedelta(hours=25).total_seconds())
            self.deliver(late=True)
        refuse(untold)
