"""In doubt the very same thing is sent again; a clear answer, good or not, is the end of it."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from dispatch.loadtest import history
from dispatch.loadtest.behaviour import BEHAVIOURS
from dispatch.loadtest.history import HistoryStore
from dispatch.loadtest.http import HttpClient, Reply, retry_pauses
from tests.receiver import Receiver, run_receiver


def send_until_clear(receiver: Receiver, store: HistoryStore, *, duplicates: int = 0) -> Reply:
    async def ask() -> Reply:
        async with HttpClient(receiver.url, rng=Random(1), duplicates=duplicates) as http:
            about = {"key": "k"}
            history = store.history("bot")
            return await http.request_until_clear(
                history, "escalation", "POST", "", about=about, json={"a": 1}
            )

    return asyncio.run(ask())


def test_what_is_in_doubt_is_sent_again_as_it_was(tmp_path: Path) -> None:
    with run_receiver() as receiver:
        receiver.answers = [503, 502, 201]

        answer = send_until_clear(receiver, HistoryStore(tmp_path))

    assert answer.status == 201
    assert {one.body for one in receiver.received} == {b'{"a":1}'}
    noted = [(line["how"], line.get("status")) for line in history.read(tmp_path)]
    assert noted == [("sent", None), ("doubted", 503), ("doubted", 502)]


@pytest.mark.parametrize("status", [200, 404, 409, 422])
def test_a_clear_answer_is_taken(status: int) -> None:
    with run_receiver() as receiver:
        receiver.answers = [status]

        answer = send_until_clear(receiver, HistoryStore())

    assert answer.status == status
    assert len(receiver.received) == 1


def test_a_server_that_is_gone_is_in_doubt() -> None:
    async def ask() -> Reply:
        async with HttpClient("http://127.0.0.1:9", rng=Random(1)) as http:
            return await http.ask("GET", "/")

    assert asyncio.run(ask()).is_unclear


def test_with_an_echo_a_thing_is_sent_several_times_and_the_best_answer_counts() -> None:
    with run_receiver() as receiver:
        receiver.answers = [500, 201, 409]

        answer = send_until_clear(receiver, HistoryStore(), duplicates=5)

    assert answer.status == 201
    assert len(receiver.received) > 1


def test_who_gets_no_answer_stops_asking_in_the_end() -> None:
    waits = list(retry_pauses(Random(1), within=30))

    assert 30 < sum(waits) < 40
    assert max(waits) <= 3


@pytest.mark.parametrize("pace", BEHAVIOURS)
def test_a_temper_is_one_of_chances(pace: str) -> None:
    behaviour, rng = BEHAVIOURS[pace], Random(1)

    decided = [behaviour.decide(rng) for _ in range(1000)]
    spans = [behaviour.sample_span(behaviour.reply_after, rng) for _ in range(1000)]

    assert abs(decided.count("accept") / 1000 - behaviour.accept_share) < 0.05
    assert {*decided} == {"accept", "decline", "ignore"}
    assert behaviour.reply_after / 10 <= min(spans) <= max(spans) <= behaviour.reply_after * 4
