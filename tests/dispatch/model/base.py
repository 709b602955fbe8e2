"""The start of every run of the state machine, and the check after every step.

A rule's arguments are small numbers that pick among existing rows, the newest first. So a failing
example is printed as a short script that can be run again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any

from django.test import Client as Http
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from dispatch import assignments, offers
from dispatch.models import Assignment, Offer
from dispatch.waves import wave
from tests import factories
from tests.dispatch.model import invariants
from tests.dispatch.model.world import Broken, World, replace_surroundings

NTH = st.sampled_from([0, 0, 0, 1, 2, 3, 5])
MOSTLY = st.sampled_from([True, True, True, False])
SELDOM = st.sampled_from([False, False, False, True])
ABILITIES = st.tuples(
    st.integers(1, 3), st.sampled_from([("en",), ("en", "fr")]), st.integers(0, 4)
)
STAGES = ["waiting", "offered", "talking", "wrapping up"]
PATIENCE = timedelta(seconds=150)


class StateMachine(RuleBasedStateMachine):
    """A client with its bot, a small team and perhaps waiting tickets; checked after every step."""

    @initialize(
        team=st.lists(ABILITIES, min_size=1, max_size=3),
        waiting=st.integers(0, 3),
        stage=st.sampled_from(STAGES),
    )
    def begin(self, team: list[tuple[int, Sequence[str], int]], waiting: int, stage: str) -> None:
        self._surroundings = ExitStack()
        self.world = self._surroundings.enter_context(replace_surroundings(World()))
        #: The body and the ticket of each idempotency key that was answered.
        self.answers: dict[int, tuple[bytes, str]] = {}
        self._create_team(team)
        self.before = invariants.read_state()
        for customer in range(waiting):
            self.send_escalation(key=customer, customer=customer)
        self.check_rows()
        for before in STAGES[: STAGES.index(stage)]:
            self._advance(before)
            self.check_rows()

    def _advance(self, stage: str) -> None:
        """Bring all rows that can be to the next stage, so that runs reach late stages often."""
        if stage == "waiting":
            self.world.act(lambda at: wave.run(at=at))
        elif stage == "offered":
            for offer in Offer.objects.pending().select_related("ticket").order_by("pk"):
                accept = partial(offers.accept, offer)
                self.world.act(lambda at, accept=accept: accept(at=at))
        else:
            for held in Assignment.objects.talking().select_related("ticket").order_by("pk"):
                resolve = partial(assignments.resolve, held, disposition="solved")
                self.world.act(lambda at, resolve=resolve: resolve(at=at))

    def _create_team(self, team: list[tuple[int, Sequence[str], int]]) -> None:
        client = factories.make_client(
            answer_within=timedelta(seconds=10), patience=PATIENCE, wrap_up=timedelta(seconds=30)
        )
        self.bot = Http(headers={"authorization": f"Bearer {factories.make_key(client)}"})
        rival = factories.make_client("rival")
        self.rival = Http(headers={"authorization": f"Bearer {factories.make_key(rival)}"})
        factories.make_card(client)
        factories.make_endpoint(client)
        factories.make_skill("cards")
        self.agents = [
            factories.make_agent(
                f"Agent {number}",
                languages=dict.fromkeys(languages, 5),
                skills={"cards": level} if level else {},
                capacity=capacity,
            )
            for number, (capacity, languages, level) in enumerate(team)
        ]
        self.open_pages = {agent.pk for agent in self.agents}

    def send_escalation(
        self, *, key: int, customer: int, language: str = "en", level: int = 0
    ) -> None:
        """S11: the same key and body give the same ticket; another body is refused."""
        body = factories.escalation(
            conversation_ref=f"conversation {customer}",
            customer={"ref": f"customer {customer}", "name": "Mia"},
            language=language,
            skills=[{"code": "cards", "level": level, "gives_way": level == 1}] if level else [],
        )
        encoded = json.dumps(body).encode()
        answer = self.post(self.bot, "escalations", encoded, **{"idempotency-key": f"key {key}"})
        if answer is None:
            return
        known, ticket = self.answers.get(key, (None, None))
        if known is not None and known != encoded and answer.status_code != 422:
            raise Broken(f"S11 a key served two escalations: {answer.status_code}")
        opened = answer.status_code == 201
        if known == encoded and not (opened and answer.json()["ticket"] == ticket):
            raise Broken(f"S11 the same key got another answer: {answer.status_code}")
        if opened:
            self.answers[key] = (encoded, answer.json()["ticket"])

    def post(self, bot: Http, path: str, body: bytes, **headers: str) -> Any:
        """The API's response; None if the process died or waited too long for a lock."""
        kind = "application/json"
        answer = self.world.act(
            lambda at: bot.post(f"/api/v1/{path}", body, content_type=kind, headers=headers)
        )
        return None if answer in ("died", "busy") or answer.status_code == 503 else answer

    @invariant()
    def check_rows(self) -> None:
        self.sound = False
        after = invariants.read_state()
        raise_breaches(after.broken)
        raise_breaches(list(invariants.find_wrong_changes(self.before, after)))
        promised = {ticket for _, ticket in self.answers.values()}
        raise_breaches(
            [f"L1 a ticket was lost: {lost}" for lost in promised - after.tickets.keys()]
        )
        self.before, self.sound = after, True

    def newest_ticket(self, which: int) -> str:
        return nth(self.before.tickets, which, lambda row: row[0] in ("queued", "active"))

    def newest_offer(self, which: int) -> str:
        return nth(self.before.offers, which, lambda row: row[2] in ("sent", "shown"))

    def newest_assignment(self, which: int) -> str:
        return nth(self.before.assignments, which, lambda row: row[5] is None)


def nth(rows: Mapping[str, list[Any]], which: int, lively: Callable[[list[Any]], bool]) -> str:
    """The id of a row by its number, counted from the newest; live rows come first."""
    ids = sorted(rows, key=lambda pk: lively(rows[pk]))
    return ids[-1 - which % len(ids)]


def raise_breaches(found: list[str]) -> None:
    if found:
        raise Broken("; ".join(found))
