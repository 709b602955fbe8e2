"""What the live line brings to a page, and what a page says it shows."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from agents import presence
from dispatch import offers
from dispatch.desk import heartbeats
from dispatch.models import GRACE, OFFER_LASTS, Offer
from dispatch.waves import wave
from tests import factories
from tests.dispatch.lines import Line, login, run, until
from tickets import clock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_worker"),
    # A thread that ends with its event loop leaves its connection to the collector; the live
    # server's threads share a pool instead.
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _threads_keep_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)


def test_an_offer_is_on_the_line_as_soon_as_its_wave_is_over() -> None:
    agent = factories.make_agent()
    http = login(agent.user)
    factories.make_card()

    def run_wave() -> None:
        factories.make_ticket()
        wave.run(at=clock.now())

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(run_wave)()
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
    presence.set_auto_accept(agent, on=True, limit=3)
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
    theirs = factories.make_offer(mine.ticket, quicker, slot=1)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(lambda: offers.accept(theirs, at=clock.now()))()
        frames = [json.loads(await line.frame()) for _ in range(2)]
        assert frames == [{"taken": str(mine.pk)}, {"changed": True}]
        await line.close()

    run(scene())


def test_an_offer_whose_card_was_lost_on_its_way_is_asked_for_within_seconds() -> None:
    """Made by the scheduler with no worker alive and its news lost: only PostgreSQL knows of it."""
    agent, other = factories.make_agent(), factories.make_agent()
    http = login(agent.user)
    theirs = factories.make_offer(agent=other)
    Offer.objects.filter(pk=theirs.pk).update(sent_at=clock.now() - 2 * heartbeats.OVERDUE)

    def lost() -> None:
        with transaction.atomic():
            factories.make_offer(agent=agent)
            transaction.get_connection().run_on_commit.clear()
        Offer.objects.filter(agent=agent).update(sent_at=clock.now() - 2 * heartbeats.OVERDUE)

    async def scene() -> None:
        line = Line(http)
        assert await line.open()
        await line.signature()
        await sync_to_async(lost)()
        assert json.loads(await line.frame()) == {"changed": True}
        await line.close()

    run(scene())
