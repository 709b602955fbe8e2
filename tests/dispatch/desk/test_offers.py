"""Answering an offer at the desk, and the card itself."""

from datetime import timedelta
from uuid import uuid4

from agents.models import Agent, User
from dispatch import offers
from dispatch.models import OFFER_LASTS, Assignment, Offer
from dispatch.realtime import push
from tests import factories
from tests.dispatch.desk.conftest import Browser, browser_of
from tickets import clock


def expired(offer: Offer) -> Offer:
    Offer.objects.filter(pk=offer.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now() - timedelta(seconds=1)
    )
    return offer


def test_accepting_without_scripts_leads_to_the_conversation(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    answer = plain.act(f"offers/{offer.pk}/accept")

    work = Assignment.objects.get(offer=offer)
    assert (answer.status_code, answer.url) == (302, f"/desk/conversations/{work.pk}/")


def test_accepting_with_scripts_leads_to_the_conversation(live: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    answer = live.act(f"offers/{offer.pk}/accept")

    work = Assignment.objects.get(offer=offer)
    assert answer.headers["HX-Redirect"] == f"/desk/conversations/{work.pk}/"


def test_accepting_twice_leads_to_the_same_conversation(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    first, second = (plain.act(f"offers/{offer.pk}/accept") for _ in range(2))

    assert first.url == second.url
    assert Assignment.objects.count() == 1


def test_accepting_an_expired_offer_is_refused_with_a_reason(plain: Browser, amina: Agent) -> None:
    offer = expired(factories.make_offer(agent=amina))

    answer = plain.act(f"offers/{offer.pk}/accept")

    assert answer.status_code == 410
    assert "The time for this offer ran out." in answer.content.decode()
    assert not Assignment.objects.exists()


def test_accepting_an_expired_offer_updates_a_live_page(live: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)
    offers.show([(offer.pk, amina.pk)], at=clock.now())
    Offer.objects.filter(pk=offer.pk).settle(Offer.Status.EXPIRED, at=clock.now())

    answer = live.act(f"offers/{offer.pk}/accept")

    page = answer.content.decode()
    assert answer.status_code == 410
    assert "The time for this offer ran out." in page
    assert 'id="offers"' in page
    assert f"offer-{offer.pk}" not in page


def test_accepting_a_withdrawn_offer_is_a_conflict(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)
    offers.withdraw_for(offer.ticket, at=clock.now())

    assert plain.act(f"offers/{offer.pk}/accept").status_code == 409


def test_accepting_a_taken_offer_is_refused_with_a_reason(live: Browser, amina: Agent) -> None:
    mine = factories.make_offer(agent=amina)
    theirs = factories.make_offer(mine.ticket, factories.make_agent("Elsa"), slot=1)
    offers.accept(theirs, at=clock.now())

    answer = live.act(f"offers/{mine.pk}/accept")

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody else took this one first. Nothing changes for you." in page
    assert f"offer-{mine.pk}" not in page


def test_another_agents_offer_is_not_found(plain: Browser) -> None:
    offer = factories.make_offer(agent=factories.make_agent("Elsa"))

    verbs = ["accept", "decline", "shown", "because"]
    answers = [plain.act(f"offers/{offer.pk}/{verb}") for verb in verbs]
    answers.append(plain.look(f"offers/{offer.pk}/shown.gif"))

    assert [answer.status_code for answer in answers] == [404] * 5
    assert Offer.objects.get().status == Offer.Status.SENT


def test_an_unknown_offer_is_not_found(plain: Browser) -> None:
    assert plain.act(f"offers/{uuid4()}/accept").status_code == 404


def test_a_get_request_does_not_accept(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    assert plain.look(f"offers/{offer.pk}/accept").status_code == 405


def test_passing_without_scripts_leads_back_to_the_desk(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    answer = plain.act(f"offers/{offer.pk}/decline")

    assert (answer.status_code, answer.url) == (302, f"/desk/?passed={offer.pk}")
    assert Offer.objects.get().status == Offer.Status.DECLINED


def test_passing_with_scripts_takes_the_card_away(live: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    page = live.act(f"offers/{offer.pk}/decline").content.decode()

    assert 'id="offers"' in page
    assert f"offer-{offer.pk}" not in page


def test_declining_an_accepted_offer_is_a_conflict(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)
    offers.accept(offer, at=clock.now())

    assert plain.act(f"offers/{offer.pk}/decline").status_code == 409


def test_the_desk_shows_each_pending_offer_with_its_pay(plain: Browser, amina: Agent) -> None:
    offer = factories.make_offer(agent=amina)

    page = plain.look().content.decode()

    assert f'data-offer="{offer.pk}"' in page
    assert "€3.90" in page
    assert "about 8 min · about €29 an hour" in page


def test_a_pushed_card_is_complete_and_holds_no_token(amina: Agent) -> None:
    offer = factories.make_offer(factories.make_ticket(skills={"cards": 1}), amina)

    card = push.card(offer)

    assert card.startswith('<div hx-swap-oob="beforeend:#offers"><article class="offer"')
    assert f'data-answer-by="{int(offer.answer_by.timestamp() * 1000)}"' in card
    assert f'data-now="{int(offer.sent_at.timestamp() * 1000)}"' in card
    assert 'data-action="accept"' in card
    assert "Cards" in card
    assert "csrf" not in card


def test_a_card_does_not_mention_other_agents(amina: Agent) -> None:
    ticket, elsa = factories.make_ticket(), factories.make_agent("Elsa")
    first = factories.make_offer(ticket, elsa)
    second = factories.make_offer(ticket, amina, slot=1, at=first.sent_at)

    assert push.card(second).replace(str(second.pk), str(first.pk)) == push.card(first)


def test_a_pushed_card_is_small(amina: Agent) -> None:
    offer = factories.make_offer(factories.make_ticket(skills={"cards": 1}), amina)

    assert len(push.card(offer).encode()) < 5_000


def test_a_pushed_card_is_in_the_language_of_the_agent(amina: Agent) -> None:
    User.objects.filter(pk=amina.user_id).update(language="fr")
    offer = factories.make_offer(factories.make_ticket(), Agent.objects.get(pk=amina.pk))

    card = push.card(offer)

    assert "3,90\xa0€" in card
    assert "anglais" in card


def test_text_of_a_client_on_a_card_is_escaped(amina: Agent) -> None:
    client = factories.make_client(name="<script>alert(1)</script>")
    offer = factories.make_offer(factories.make_ticket(client), amina)

    card = push.card(offer)

    assert "<script>" not in card
    assert "&lt;script&gt;" in card


def test_a_card_shows_the_reasons(amina: Agent) -> None:
    ticket = factories.make_ticket(skills={"cards": 1})
    offer = factories.make_offer(ticket, amina)
    told = {"candidates": 3, "idle_s": 371, "again": True}
    Offer.objects.filter(pk=offer.pk).update(reasons=told)

    page = browser_of(amina).look().content.decode()

    assert (
        "Why you: you speak English; you know Cards; you have been free for 6 min or more; "
        "you fit best now; 2 other people would fit too; "
        "you were asked once before, which changes nothing for you."
    ) in page
