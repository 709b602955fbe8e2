"""The live line, through the real application and the real Valkey."""

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connection
from django.test import Client as Http

from agents import presence, roster
from agents.models import Agent, Presence, User
from config.asgi import application
from dispatch import hints, offers, push, sockets, waves
from dispatch.desk import heart
from dispatch.desk.consumers import MOST_FRAMES_A_MINUTE, shown_offer
from dispatch.desk.heart import Pulse
from dispatch.models import GRACE, OFFER_LASTS, Offer
from tests import factories
from tickets import clock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_worker"),
    # A thread that ends with its event loop leaves its connection to the collector; the live
    # server's threads share a pool instead.
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
]

ORIGIN = settings.ALLOWED_ORIGINS[0]


@pytest.fixture(autouse=True)
def _threads_keep_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)


class Line:
    """A browser's socket."""

    def __init__(self, http: Http | None = None, *, origin: str | None = ORIGIN) -> None:
        headers = [(b"host", b"localhost:8000")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        if http is not None and "session" in http.cookies:
            headers.append((b"cookie", f"session={http.cookies['session'].value}".encode()))
        self.socket = WebsocketCommunicator(application, "/ws/desk/", headers=headers)

    async def open(self) -> bool:
        opened, _protocol = await self.socket.connect(timeout=5)
        return opened

    async def beat(self) -> None:
        await self.socket.send_to(text_data="{}")

    async def shows(self, offer: Offer) -> None:
        await self.socket.send_to(text_data=json.dumps({"shown": str(offer.pk)}))

    async def frame(self, *, seconds: float = 4) -> str:
        """The next frame that is no signature."""
        while True:
            frame = await self.socket.receive_from(timeout=seconds)
            if "signature" not in frame:
                return frame

    async def signature(self) -> str:
        frame = json.loads(await self.socket.receive_from(timeout=4))
        return str(frame["signature"])

    async def closed(self, *, seconds: float = 4) -> int:
        """The code it was closed with."""
        while True:
            said = await self.socket.receive_output(timeout=seconds)
            if said["type"] == "websocket.close":
                return int(said["code"])

    async def close(self) -> None:
        await self.socket.disconnect(timeout=5)


async def until(wanted: Callable[[], bool], *, seconds: float) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not await sync_to_async(wanted)():
            await asyncio.sleep(0.02)


def login(user: User) -> Http:
    http = Http()
    http.force_login(user)
    return http


def run(scene: Coroutine[Any, Any, None]) -> None:
    """Play a scene; whatever the heart still does ends with it."""

    async def play() -> None:
        try:
            await scene
        finally:
            heart._beating.clear()
            heart._open.clear()
            heart._shown.clear()
            for task in heart._running.values():
                task.cancel()
            await asyncio.gather(*heart._running.values(), return_exceptions=True)
            heart._running.clear()

    async_to_sync(play)()
    gc.collect()


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
def test_a_page_of_another_origin_gets_no_line(origin: str | None) -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        assert not await Line(http, origin=origin).open()

    run(scene())


def test_whoever_is_not_logged_in_is_told_so() -> None:
    async def scene() -> None:
        line = Line()
        await line.open()
        assert await line.closed() == 4401

    run(scene())


def test_a_made_up_session_is_no_login() -> None:
    http = Http()
    http.cookies["session"] = "x" * 32

    async def scene() -> None:
        line = Line(http)
        await line.open()
        assert await line.closed() == 4401

    run(scene())


def test_a_login_that_is_no_agent_is_told_so() -> None:
    http = login(factories.make_coordinator())

    async def scene() -> None:
        line = Line(http)
        await line.open()
        assert await line.closed() == 4403

    run(scene())


def test_a_beat_is_answered_with_the_desks_signature_and_renews_presence() -> None:
    agent = factories.make_agent()
    before = factories.presence_of(agent).seen_at
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        first = await line.signature()
        await line.beat()
        assert await line.signature() == first
        await line.close()

    run(scene())
    assert factories.presence_of(agent).seen_at > before


def test_a_live_server_tells_how_many_pages_it_holds() -> None:
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
        return sockets.held(at=clock.now())

    run(scene())
    assert told == [2, 1]


def test_an_offer_is_on_the_line_as_soon_as_its_wave_is_over() -> None:
    agent = factories.make_agent()
    http = login(agent.user)
    factories.make_card()

    def wave() -> None:
        factories.make_ticket()
        waves.run(at=clock.now())

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(wave)()
        frame = await line.frame()
        offer = await Offer.objects.aget()
        assert str(offer.pk) in frame
        await line.close()

    run(scene())


def test_an_offer_named_as_shown_has_its_minute_within_a_moment() -> None:
    agent = factories.make_agent()
    http = login(agent.user)
    offer = factories.make_offer(agent=agent)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await line.shows(offer)
        await until(lambda: Offer.objects.get().status == "shown", seconds=1)
        await line.close()

    run(scene())
    held = Offer.objects.get()
    assert held.shown_at is not None
    assert held.expires_at - held.shown_at == OFFER_LASTS + GRACE


def test_the_line_shows_nobody_elses_offer() -> None:
    http = login(factories.make_agent().user)
    theirs = factories.make_offer(agent=factories.make_agent())

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await line.shows(theirs)
        await asyncio.sleep(0.3)
        await line.close()

    run(scene())
    assert Offer.objects.get().status == "sent"


def test_what_a_page_shows_is_accepted_for_an_agent_who_wants_that() -> None:
    agent = factories.make_agent()
    presence.set_rolling(agent, on=True, limit=3)
    http = login(agent.user)
    offer = factories.make_offer(agent=agent)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await line.shows(offer)
        assert json.loads(await line.frame()) == {"changed": True}
        await line.close()

    run(scene())
    assert Offer.objects.get().status == "accepted"


def test_whoever_was_slower_hears_so_before_their_card_goes() -> None:
    slower, quicker = factories.make_agent(), factories.make_agent()
    http = login(slower.user)
    mine = factories.make_offer(agent=slower)
    theirs = factories.make_offer(mine.ticket, quicker, place=1)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(lambda: offers.accept(theirs, at=clock.now()))()
        frames = [json.loads(await line.frame()) for _ in range(2)]
        assert frames == [{"taken": str(mine.pk)}, {"changed": True}]
        await line.close()

    run(scene())


def test_another_agents_news_are_not_heard() -> None:
    agent, other = factories.make_agent(), factories.make_agent()
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        hints.tell(push.group(other.pk), {"type": "news", "text": "theirs"})
        hints.tell(push.group(agent.pk), {"type": "news", "text": "mine"})
        assert await line.frame() == "mine"
        await line.close()

    run(scene())


def test_logging_out_closes_the_line_within_a_beat() -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(http.logout)()
        await line.beat()
        assert await line.closed(seconds=3) == 4401

    run(scene())


def test_a_restriction_closes_the_line_within_a_beat() -> None:
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


def test_a_flood_of_frames_closes_the_line() -> None:
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
def test_what_names_no_offer_names_none(frame: str) -> None:
    assert shown_offer(frame) is None


def test_a_frame_in_bytes_names_no_offer() -> None:
    assert shown_offer(None) is None


@pytest.mark.parametrize("frame", ["[" * 5000, '{"shown": "not an id"}'])
def test_an_odd_frame_is_just_a_heartbeat(frame: str) -> None:
    http = login(factories.make_agent().user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await line.socket.send_to(text_data=frame)
        assert await line.signature()
        await line.close()

    run(scene())


def test_a_line_nobody_speaks_on_stays_open_for_twelve_seconds() -> None:
    agent = factories.make_agent()
    http = login(agent.user)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await asyncio.sleep(11.5)
        hints.tell(push.group(agent.pk), {"type": "news", "text": "still here"})
        assert await line.frame() == "still here"
        await line.close()

    run(scene())


def test_what_is_told_reaches_a_member_of_the_group_of_the_channel_layer() -> None:
    name = f"agent.{uuid4()}"

    async def scene() -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(name, channel)
        hints.tell(name, {"type": "news", "text": "é"})
        heard = await asyncio.wait_for(layer.receive(channel), timeout=4)
        assert heard == {"type": "news", "text": "é"}
        await layer.group_discard(name, channel)

    run(scene())


def pulse(agent: Agent) -> Pulse:
    return Pulse(agent.pk, login(agent.user).session.session_key or "")


def test_beats_of_good_sessions_only_are_renewed() -> None:
    good, out, restricted, inactive = (factories.make_agent() for _ in range(4))
    pulses = {agent.name + str(agent.pk): pulse(agent) for agent in (good, restricted, inactive)}
    logged_out = Pulse(out.pk, "gone")
    roster.restrict(restricted, at=clock.now())
    User.objects.filter(pk=inactive.user_id).update(is_active=False)

    answered = heart.renew({*pulses.values(), logged_out})

    assert {one.agent_id for one in answered} == {good.pk}


def test_a_session_that_ran_out_is_not_renewed() -> None:
    agent = factories.make_agent()
    http = login(agent.user)
    session = http.session
    session.set_expiry(-1)
    session.save()

    assert heart.renew([Pulse(agent.pk, session.session_key or "")]) == {}


@pytest.mark.parametrize("change", [{"paused": True}, {"rolling": True}, {"rolling_limit": 7}])
def test_the_signature_changes_with_what_presence_says(change: dict[str, Any]) -> None:
    agent = factories.make_agent()
    mine = pulse(agent)
    before = heart.renew([mine])[mine]

    Presence.objects.filter(agent=agent).update(**change)

    assert heart.renew([mine])[mine] != before


def test_the_signature_changes_with_everything_the_desk_shows() -> None:
    agent = factories.make_agent(capacity=2)
    mine = pulse(agent)
    words = [heart.renew([mine])[mine]]

    def again() -> None:
        words.append(heart.renew([mine])[mine])

    offer = factories.make_offer(agent=agent)
    again()
    held = factories.make_assignment(offer)
    again()
    factories.make_message(held.ticket)
    again()

    assert len(set(words)) == 4


def test_renewing_costs_the_same_few_queries_for_many_pages(
    django_assert_num_queries: Any,
) -> None:
    pulses = [pulse(factories.make_agent()) for _ in range(5)]

    with django_assert_num_queries(8):
        assert len(heart.renew(pulses)) == 5
