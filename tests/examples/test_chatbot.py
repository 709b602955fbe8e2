"""The example chatbot as a separate program, against a small stand-in for Relève's API."""

import json
from uuid import uuid4

import pytest

from tests.examples.world import Program, Visitor, english, eventually, now, sign

# Escalation


def test_an_escalation_carries_customer_topic_and_transcript(visitor, releve):
    visitor.say("My card has not arrived")

    visitor.ask_for_a_human()

    key, body = releve.asked[-1]
    assert len(key) == 36
    assert body["customer"]["name"] == "Mia"
    assert body["topic"] == "card-not-arrived"
    assert body["skills"] == [{"code": "cards", "level": 2}]
    assert body["summary"] == "Card has not arrived. In their words: “My card has not arrived”"
    assert body["tried"] == ["Explained postal delay and card tracking"]
    assert [line["role"] for line in body["transcript"]] == ["bot", "customer", "bot", "customer"]
    assert visitor.http.cookies["chat_visitor"] not in json.dumps(body)


def test_a_waiting_customer_sees_position_and_wait(visitor, releve):
    ticket = visitor.ask_for_a_human()
    assert visitor.state()["headline"] == "You are number 2, about 1 min"

    ticket["position"], ticket["expected_wait_s"] = 1, None

    headline = "You are number 1. The wait is hard to tell right now"
    eventually(lambda: visitor.state()["headline"] == headline)


def test_the_bot_answers_during_the_wait_and_passes_messages_on(visitor, releve):
    ticket = visitor.ask_for_a_human()

    visitor.say("What is the exchange rate?")

    assert visitor.log()[-1][0] == "bot"
    said = releve.said[ticket["ticket"]]
    eventually(lambda: [m["text"] for m in said] == ["What is the exchange rate?"])


def test_the_bot_reports_an_unreachable_releve_and_retries_with_the_same_key(visitor, releve):
    releve.failing = True
    visitor.say("I want a human")
    eventually(lambda: visitor.state()["choices"] == ["Try again"])
    assert visitor.log()[-1] == ("bot", english("unreached"))
    visitor.say("It is about my card")

    releve.failing = False
    visitor.say("Try again")

    eventually(lambda: visitor.state()["state"] == "waiting")
    assert len({key for key, _ in releve.asked}) == 1
    said = releve.said[releve.find_ticket(visitor.ref)["ticket"]]
    eventually(lambda: said and said[0]["text"] == "It is about my card")


# Conversation with a person


def test_the_bot_is_silent_while_a_person_has_the_conversation(visitor):
    visitor.reach()

    visitor.say("My card is blocked")

    assert visitor.state()["headline"] == "You are talking to Amina (a person)"
    assert visitor.log()[-2:] == [
        ("notice", "You are talking to Amina (a person)."),
        ("customer", "My card is blocked"),
    ]


def test_the_agents_messages_appear_once_and_in_order(visitor):
    visitor.reach()

    visitor.agent_says("second", seq=2)
    visitor.agent_says("first", seq=1, id="m-1")
    visitor.agent_says("first", seq=1, id="m-1")

    assert visitor.log()[-2:] == [("agent", "first"), ("agent", "second")]


def test_messages_that_arrive_before_the_agents_name_get_it_later(visitor):
    visitor.ask_for_a_human()

    visitor.agent_says("Hello Mia", seq=1)
    visitor.tell("ticket.answered", version=2, agent={"name": "Amina"})

    messages = sorted(visitor.events()["messages"], key=lambda m: m["place"])
    assert [m["from"] for m in messages[-2:]] == ["notice", "agent"]
    assert messages[-1]["who"] == "Amina, a person"


def test_a_failed_message_is_sent_again_with_the_same_id(visitor, releve):
    ticket, id = visitor.reach(), str(uuid4())
    releve.failing = True
    visitor.say("Are you there?", id)
    eventually(
        lambda: visitor.events()["messages"][-1]["delivery_words"] == "Not sent, trying again"
    )

    releve.failing = False

    eventually(lambda: visitor.events()["messages"][-1]["delivery"] == "sent")
    assert [m["client_message_id"] for m in releve.said[ticket["ticket"]]] == [id]


def test_a_message_after_the_end_is_answered_by_the_bot(visitor):
    ticket = visitor.reach()
    ticket["status"], ticket["version"] = "resolved", 3

    visitor.say("My card is blocked")

    eventually(lambda: visitor.heard(english("card_blocked")))
    assert visitor.heard("Amina closed the conversation. I am the bot again.")
    assert visitor.state()["state"] == "bot"


def test_the_bot_returns_when_the_person_resolves(visitor):
    visitor.reach()

    visitor.tell("ticket.resolved", version=3, disposition="solved")

    assert visitor.log()[-1] == ("notice", "Amina closed the conversation. I am the bot again.")
    assert visitor.state()["state"] == "bot"


def test_a_late_message_of_the_agent_appears_before_the_closing_notice(visitor):
    visitor.reach()
    visitor.tell("ticket.resolved", version=3, disposition="solved")

    visitor.agent_says("Goodbye", seq=1)

    assert [sender for sender, _ in visitor.log()][-2:] == ["agent", "notice"]


def test_after_a_handback_the_bot_has_the_note_in_mind(visitor, releve):
    visitor.reach()

    visitor.tell("ticket.handed_back", version=3, reason="bot_can", note="Tell Mia about refunds")

    assert visitor.log()[-1] == ("bot", english("refund_status"))
    assert not visitor.heard("Tell Mia about refunds")
    visitor.ask_for_a_human()
    assert "Tell Mia about refunds" in releve.asked[-1][1]["summary"]


def test_the_customer_waits_again_when_the_agents_connection_is_lost(visitor):
    visitor.reach()

    visitor.tell("ticket.requeued", version=3, reason="agent_gone")

    assert visitor.heard("We lost Amina's line; the next person sees everything you wrote.")
    assert visitor.state()["state"] == "waiting"


def test_the_bot_takes_over_when_no_agent_comes(visitor):
    visitor.ask_for_a_human()

    visitor.tell("ticket.unavailable", version=2, reason="no_agent")

    assert visitor.log()[-1] == ("notice", english("unavailable"))
    assert visitor.state()["state"] == "bot"


@pytest.mark.parametrize("already", ["waiting", "talking"])
def test_a_customer_who_leaves_cancels_the_ticket(visitor, releve, already):
    ticket = visitor.ask_for_a_human() if already == "waiting" else visitor.reach()

    visitor.http.post("leave")

    assert visitor.state()["state"] == "bot"
    assert visitor.heard(english(f"left_{already}"))
    eventually(lambda: ticket["ticket"] in releve.cancelled)


def test_a_new_conversation_cancels_the_ticket_of_the_old_one(visitor, releve):
    ticket, before = visitor.ask_for_a_human(), visitor.ref

    visitor.start()

    assert visitor.ref != before
    eventually(lambda: ticket["ticket"] in releve.cancelled)


# Webhooks


def test_a_webhook_with_a_bad_signature_is_refused(visitor):
    visitor.ask_for_a_human()
    headers = sign("{}") | {"webhook-signature": "v1,AAAA"}

    assert visitor.http.post("webhooks", content="{}", headers=headers).status_code == 400
    assert visitor.http.post("webhooks", content=b"\xff").status_code == 400


def test_a_repeated_webhook_is_applied_once(visitor):
    visitor.ask_for_a_human()

    first = visitor.tell("ticket.answered", version=2, id="msg_same", agent={"name": "Amina"})
    again = visitor.tell("ticket.answered", version=9, id="msg_same", agent={"name": "Ben"})

    assert (first.status_code, again.status_code) == (204, 204)
    assert visitor.state()["headline"] == "You are talking to Amina (a person)"


def test_an_older_webhook_does_not_undo_a_newer_one(visitor):
    visitor.reach()
    visitor.tell("ticket.resolved", version=5, disposition="solved")

    visitor.tell("ticket.answered", version=3, agent={"name": "Ben"})

    assert visitor.state()["state"] == "bot"


def test_reading_the_ticket_finds_news_that_no_webhook_brought(visitor, releve):
    ticket = visitor.ask_for_a_human()

    ticket.update(status="active", version=2, agent={"name": "Amina"})
    releve.said[ticket["ticket"]].append(
        {"id": "m-9", "seq": 1, "from": "agent", "text": "Hello", "at": now()}
    )

    eventually(lambda: visitor.heard("Hello"))
    assert visitor.state()["state"] == "talking"


# Crashes


def test_a_killed_chatbot_loses_no_conversation_and_no_message(releve, tmp_path):
    program = Program(releve.url, tmp_path)
    program.start()
    with Visitor(program, releve) as visitor:
        ticket = visitor.start().reach()
        releve.failing = True
        visitor.say("Do not lose this")
        before = visitor.log()

        program.kill()
        releve.failing = False
        program.start()

        assert visitor.log() == before
        assert visitor.state()["headline"] == "You are talking to Amina (a person)"
        said = releve.said[ticket["ticket"]]
        eventually(lambda: [m["text"] for m in said] == ["Do not lose this"])
    program.stop()


def test_a_chatbot_killed_after_a_failed_escalation_still_offers_another_try(releve, tmp_path):
    program = Program("http://127.0.0.1:9/api/v1", tmp_path)
    program.start()
    with Visitor(program, releve) as visitor:
        visitor.start().say("I want a human")
        eventually(lambda: visitor.state()["choices"] == ["Try again"])
        program.kill()
        program.env["CHATBOT_RELEVE_URL"] = releve.url
        program.start()

        visitor.say("yes")

        eventually(lambda: visitor.state()["state"] == "waiting")
    program.stop()


def test_an_open_page_does_not_delay_the_chatbots_stop(releve, tmp_path):
    program = Program(releve.url, tmp_path)
    program.start()

    with (
        Visitor(program, releve) as visitor,
        visitor.start().http.stream("GET", "events") as stream,
    ):
        next(stream.iter_lines())
        program.stop()

    assert program.process.returncode in (0, -15)
