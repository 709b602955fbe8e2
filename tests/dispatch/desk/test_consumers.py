"""The WebSocket of the desk, with the real application and the real Valkey."""

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import connection
from django.test import Client as Http

from agents import roster
from dispatch.desk.consumers import MOST_FRAMES_A_MINUTE, parse_shown_offer
from dispatch.operations import connections
from dispatch.realtime import notifier, push
from tests import factories
from tests.dispatch.lines import Line, login, run
from tickets import clock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_worker"),
    # A thread that ends with its event loop leaves its database connection open. The threads of
    # the live server share a pool instead.
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _threads_keep_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        None,
        "https://localhost:8000",
        "http://localhost:8443",
        "http://localhost",
        "http://localhost.evil.example:8000",
    ],
)
def test_a_socket_from_another_origin_is_refused(origin: str | None) -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        assert not await Line(http, origin=origin).open()

    run(scene())


def test_a_socket_without_login_is_closed() -> None:
    async def scene() -> None:
        line = Line()
        await line.open()
        assert await line.closed() == 4401

    run(scene())


def test_a_socket_with_an_invalid_session_is_closed() -> None:
    http = Http()
    http.cookies["session"] = "x" * 32

    async def scene() -> None:
        line = Line(http)
        await line.open()
        assert await line.closed() == 4401

    run(scene())


def test_a_socket_of_a_user_who_is_no_agent_is_closed() -> None:
    http = login(factories.make_coordinator())

    async def scene() -> None:
        line = Line(http)
        await line.open()
        assert await line.closed() == 4403

    run(scene())


def test_a_heartbeat_renews_presence_and_is_answered_with_the_signature() -> None:
    agent = factories.make_agent()
    before = factories.read_presence(agent).seen_at
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        first = await line.signature()
        await line.beat()
        assert await line.signature() == first
        await line.close()

    run(scene())
    assert factories.read_presence(agent).seen_at > before


def test_a_live_server_reports_its_open_sockets() -> None:
    http, other = login(factories.make_agent().user), login(factories.make_agent().user)
    told: list[int] = []

    async def scene() -> None:
        lines = [Line(http), Line(other)]
        for line in lines:
            await line.open()
            await line.signature()
        told.append(await sync_to_async(held)())
        await lines[0].close()
        await lines[1].beat()
        await lines[1].signature()
        told.append(await sync_to_async(held)())
        await lines[1].close()

    def held() -> int:
        return connections.total(at=clock.now())

    run(scene())
    assert told == [2, 1]


def test_an_update_for_another_agent_is_not_received() -> None:
    agent, other = factories.make_agent(), factories.make_agent()
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        notifier.publish(push.group(other.pk), {"type": "news", "text": "theirs"})
        notifier.publish(push.group(agent.pk), {"type": "news", "text": "mine"})
        assert await line.frame() == "mine"
        await line.close()

    run(scene())


def test_logging_out_closes_the_socket_within_a_heartbeat() -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(http.logout)()
        await line.beat()
        assert await line.closed(seconds=3) == 4401

    run(scene())


def test_a_restriction_closes_the_socket_within_a_heartbeat() -> None:
    agent = factories.make_agent()
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(lambda: roster.restrict(agent, at=clock.now()))()
        await line.beat()
        assert await line.closed(seconds=3) == 4401

    run(scene())


def test_a_flood_of_frames_closes_the_socket() -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        for _ in range(MOST_FRAMES_A_MINUTE + 1):
            await line.beat()
        assert await line.closed() == 4429

    run(scene())


@pytest.mark.parametrize(
    "frame",
    [
        "[" * 5000,
        "{" * 90,
        "[]",
        "5",
        '{"type": "news"}',
        '{"shown": 5}',
        '{"shown": null}',
        '{"shown": ["x"]}',
        '{"shown": "not an id"}',
    ],
)
def test_a_frame_without_an_offer_is_parsed_as_none(frame: str) -> None:
    assert parse_shown_offer(frame) is None


def test_a_binary_frame_is_parsed_as_none() -> None:
    assert parse_shown_offer(None) is None


@pytest.mark.parametrize("frame", ["[" * 5000, '{"shown": "not an id"}'])
def test_an_invalid_frame_counts_as_a_heartbeat(frame: str) -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await line.socket.send_to(text_data=frame)
        assert await line.signature()
        await line.close()

    run(scene())


def test_a_silent_socket_stays_open_for_twelve_seconds() -> None:
    agent = factories.make_agent()
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await asyncio.sleep(11.5)
        notifier.publish(push.group(agent.pk), {"type": "news", "text": "still here"})
        assert await line.frame() == "still here"
        await line.close()

    run(scene())


def test_a_published_message_reaches_the_members_of_the_group() -> None:
    name = f"agent.{uuid4()}"

    async def scene() -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(name, channel)
        notifier.publish(name, {"type": "news", "text": "é"})
        heard = await asyncio.wait_for(layer.receive(channel), timeout=4)
        assert heard == {"type": "news", "text": "é"}
        await layer.group_discard(name, channel)

    run(scene())
