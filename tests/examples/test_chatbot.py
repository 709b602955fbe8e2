"""The example chatbot as a program of its own, against a small stand-in for Relève's public API."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import uvicorn
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CHATBOT = Path(__file__).parents[2] / "examples" / "chatbot"
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
sys.path.insert(0, str(CHATBOT))

import bot  # noqa: E402
import words  # noqa: E402


class Releve:
    """Relève as the chatbot sees it: it keeps what it is told, and can be made to fail."""

    def __init__(self):
        self.failing = False
        self.asked = []  # (idempotency key, body) of every escalation, failed ones too
        self.said = {}  # ticket -> [message]
        self.tickets = {}  # ticket -> what GET answers
        self.cancelled = []

    def app(self):
        return Starlette(
            routes=[
                Route("/api/v1/escalations", self.escalate, methods=["POST"]),
                Route("/api/v1/tickets/{id}", self.ticket),
                Route("/api/v1/tickets/{id}/messages", self.messages, methods=["GET", "POST"]),
                Route("/api/v1/tickets/{id}/cancel", self.cancel, methods=["POST"]),
            ]
        )

    async def escalate(self, request):
        key, body = request.headers["idempotency-key"], await request.json()
        self.asked.append((key, body))
        if self.failing:
            return JSONResponse({"title": "down", "code": "unavailable"}, 503)
        known = [t for t in self.tickets.values() if t["key"] == key]
        ticket = known[0] if known else self._open(key, body)
        return JSONResponse({**ticket, "status": "queued", "url": ""}, 201)

    def _open(self, key, body):
        ticket = {
            "ticket": str(uuid4()),
            "key": key,
            "conversation_ref": body["conversation_ref"],
            "status": "queued",
            "version": 1,
            "position": 2,
            "expected_wait_s": 40,
            "agent": None,
            "handback": None,
        }
        self.tickets[ticket["ticket"]] = ticket
        self.said[ticket["ticket"]] = []
        return ticket

    async def ticket(self, request):
        return JSONResponse(self.tickets[request.path_params["id"]])

    async def messages(self, request):
        said = self.said[request.path_params["id"]]
        if request.method == "GET":
            after = int(request.query_params["after"])
            return JSONResponse({"messages": [m for m in said if m["seq"] > after]})
        if self.failing:
            return JSONResponse({"title": "down"}, 503)
        if self.tickets[request.path_params["id"]]["status"] not in ("queued", "active"):
            return JSONResponse({"code": "ticket_closed"}, 409)
        new = await request.json()
        for old in said:
            if old["client_message_id"] == new["client_message_id"]:
                return JSONResponse(old)
        said.append(
            {**new, "id": str(uuid4()), "seq": len(said) + 1, "from": "customer", "at": now()}
        )
        return JSONResponse(said[-1], 201)

    async def cancel(self, request):
        ticket = self.tickets[request.path_params["id"]]
        ticket["status"] = "abandoned"
        self.cancelled.append(ticket["ticket"])
        return JSONResponse(ticket)

    def of(self, ref):
        """The newest ticket of a conversation."""
        return [t for t in self.tickets.values() if t["conversation_ref"] == ref][-1]


def now():
    return datetime.now(UTC).isoformat()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """The chatbot, started as its README says."""

    def __init__(self, releve_url, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/chat/"
        self.env = {
            **os.environ,
            "CHATBOT_API_KEY": "rk_test",
            "CHATBOT_WEBHOOK_SECRET": SECRET,
            "CHATBOT_RELEVE_URL": releve_url,
            "CHATBOT_DATA": str(folder),
        }

    def start(self):
        command = [
            "-m",
            "uvicorn",
            "app:application",
            "--host",
            "127.0.0.1",
            "--log-level",
            "warning",
        ]
        where = ["--app-dir", str(CHATBOT), "--port", str(self.port)]
        self.process = subprocess.Popen([sys.executable, *command, *where], env=self.env)
        eventually(lambda: self._answers(), within=20)

    def _answers(self):
        try:
            return httpx.get(self.url).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=5)


def eventually(check, within=8):
    end = time.monotonic() + within
    while not (found := check()):
        assert time.monotonic() < end, f"not within {within} s: {check}"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def service():
    releve, port = Releve(), free_port()
    config = uvicorn.Config(releve.app(), port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    releve.url = f"http://127.0.0.1:{port}/api/v1"
    yield releve
    server.should_exit = True
    thread.join()


@pytest.fixture
def releve(service):
    service.failing = False
    service.asked.clear()
    return service


@pytest.fixture(scope="module")
def program(service, tmp_path_factory):
    program = Program(service.url, tmp_path_factory.mktemp("chatbot"))
    program.start()
    yield program
    program.stop()


class Visitor:
    """A browser without a screen: forms out, the event stream in."""

    def __init__(self, program, releve, language="en"):
        self.http = httpx.Client(base_url=program.url, headers={"Accept-Language": language})
        self.releve = releve

    def start(self, name="Mia"):
        self.http.post("new", data={"name": name})
        self.ref = re.search(r'data-conversation="([^"]+)"', self.page())[1]
        return self

    def say(self, text, id=None):
        return self.http.post("messages", data={"text": text, "id": id or str(uuid4())})

    def ask_for_a_human(self):
        self.say("I want a human")
        eventually(lambda: self.state()["state"] == "waiting")
        return self.releve.of(self.ref)

    def reach(self, agent="Amina"):
        ticket = self.ask_for_a_human()
        self.tell("ticket.answered", version=2, agent={"name": agent})
        return ticket

    def page(self):
        return self.http.get("").text

    def events(self):
        """The first of each event: everything as it is now."""
        found, kind = {}, None
        with self.http.stream("GET", "events") as stream:
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    kind = line[7:]
                if line.startswith("data: "):
                    found[kind] = json.loads(line[6:])
                if "state" in found:
                    return found

    def state(self):
        return self.events()["state"]

    def log(self):
        messages = sorted(self.events()["messages"], key=lambda m: m["place"])
        return [(m["from"], m["text"]) for m in messages]

    def heard(self, *texts):
        said = [text for _, text in self.log()]
        return all(text in said for text in texts)

    def tell(self, kind, *, version, id=None, **facts):
        """Relève sends a webhook about this visitor's newest ticket."""
        ticket = self.releve.of(self.ref)
        if kind != "message.created":
            ticket["version"] = version
            ticket["status"] = {"answered": "active", "requeued": "queued"}.get(kind[7:], kind[7:])
            ticket["agent"] = facts.get("agent", ticket["agent"])
        about = {"ticket": ticket["ticket"], "conversation_ref": self.ref, "version": version}
        body = json.dumps({"type": kind, "timestamp": now(), "data": {**about, **facts}})
        return self.http.post("webhooks", content=body, headers=signed(body, id))

    def agent_says(self, text, *, seq, version=2, id=None):
        message = {"id": id or str(uuid4()), "seq": seq, "from": "agent", "text": text, "at": now()}
        return self.tell("message.created", version=version, message=message)


def signed(body, id=None):
    id, at = id or f"msg_{uuid4().hex}", datetime.now(UTC)
    signature = Webhook(SECRET).sign(msg_id=id, timestamp=at, data=body)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }


@pytest.fixture
def visitor(program, releve):
    visitor = Visitor(program, releve).start()
    yield visitor
    visitor.http.close()


# The script


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("My card has not arrived", "card-not-arrived"),
        ("still waiting for my new card!", "card-not-arrived"),
        ("Ma carte n'est pas arrivée", "card-not-arrived"),
        ("My card is blocked", "card-blocked"),
        ("carte bloquée depuis hier", "card-blocked"),
        ("Where is my refund?", "refund-status"),
        ("Où est mon remboursement ?", "refund-status"),
        ("What is the exchange rate?", "exchange-rate"),
        ("quel est le taux de change", "exchange-rate"),
        ("I lost my phone or PIN", "phone-pin"),
        ("J'ai oublié mon code", "phone-pin"),
        ("Do you like cheese?", None),
    ],
)
def test_the_bot_knows_what_a_question_is_about(text, topic):
    assert bot.reply(text).topic == topic


@pytest.mark.parametrize(
    "text",
    ["I want a human", "Can I talk to a real person please", "Je veux une personne", "un humain !"],
)
def test_asking_for_a_human_is_understood(text):
    assert bot.reply(text).wants_human


def test_yes_means_a_human_only_after_one_was_offered():
    assert bot.reply("yes", offered=True).wants_human
    assert not bot.reply("yes").wants_human


def test_the_bot_asks_to_rephrase_once_and_then_offers_a_human():
    assert bot.reply("blah", misses=0).key == "rephrase"
    assert bot.reply("blah", misses=1).key == "offer_human"


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_suggested_answer_is_understood(language):
    keys = {*bot.SUGGESTIONS, *bot.AFTER_ANSWER, "choice_human", "choice_retry"}

    replies = [bot.reply(words.say(language, key), offered=True) for key in keys]

    assert all(reply.understood for reply in replies)


def test_both_languages_say_the_same_things_with_the_same_facts():
    english, french = words.WORDS["en"], words.WORDS["fr"]

    assert english.keys() == french.keys()
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", french[key])), key


def test_the_browser_chooses_the_language():
    assert words.preferred("fr-CA,fr;q=0.9,en;q=0.5") == "fr"
    assert words.preferred("de,en;q=0.7,fr;q=0.3") == "en"
    assert words.preferred("") == "en"


# The page


def test_a_first_visit_is_asked_for_a_name_and_gets_a_guarded_cookie(program):
    answer = httpx.get(program.url)

    assert 'name="name"' in answer.text
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]


def test_the_page_allows_no_script_and_no_style_of_strangers(visitor):
    visitor.say("<script>alert(1)</script>")

    answer = visitor.http.get("")

    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'"
    )
    assert "<script>alert" not in answer.text
    assert "style=" not in answer.text


def test_the_page_and_its_files_weigh_less_than_40_kb(visitor):
    files = ["", "static/chat.css", "static/chat.js", "static/mark.svg"]

    assert sum(len(visitor.http.get(file).content) for file in files) < 40_000


def test_a_form_of_another_site_is_refused(visitor):
    answer = visitor.http.post(
        "messages", data={"text": "hi"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403


def test_an_empty_message_is_refused(visitor):
    assert visitor.say("   ").status_code == 400


def test_the_same_message_twice_is_one_message(visitor):
    id = str(uuid4())

    visitor.say("My card is blocked", id)
    visitor.say("My card is blocked", id)

    assert [sender for sender, _ in visitor.log()] == ["bot", "customer", "bot"]


def test_the_language_can_be_switched(visitor):
    visitor.http.post("language", data={"language": "fr"})

    assert '<html lang="fr">' in visitor.page()
    assert visitor.state()["headline"] == "Vous êtes avec Vega, un robot"


# Asking for a human


def test_an_escalation_says_who_what_and_everything_so_far(visitor, releve):
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


def test_who_waits_knows_their_place_and_the_wait(visitor, releve):
    ticket = visitor.ask_for_a_human()
    assert visitor.state()["headline"] == "You are number 2, about 1 min"

    ticket["position"], ticket["expected_wait_s"] = 1, None

    headline = "You are number 1. The wait is hard to tell right now"
    eventually(lambda: visitor.state()["headline"] == headline)


def test_the_bot_goes_on_answering_while_the_customer_waits_and_passes_it_on(visitor, releve):
    ticket = visitor.ask_for_a_human()

    visitor.say("What is the exchange rate?")

    assert visitor.log()[-1][0] == "bot"
    said = releve.said[ticket["ticket"]]
    eventually(lambda: [m["text"] for m in said] == ["What is the exchange rate?"])


def test_when_releve_is_down_the_bot_says_so_and_tries_again_with_the_same_key(visitor, releve):
    releve.failing = True
    visitor.say("I want a human")
    eventually(lambda: visitor.state()["choices"] == ["Try again"])
    assert visitor.log()[-1] == ("bot", words.say("en", "unreached"))
    visitor.say("It is about my card")

    releve.failing = False
    visitor.say("Try again")

    eventually(lambda: visitor.state()["state"] == "waiting")
    assert len({key for key, _ in releve.asked}) == 1
    said = releve.said[releve.of(visitor.ref)["ticket"]]
    eventually(lambda: said and said[0]["text"] == "It is about my card")


# Talking with a person


def test_the_bot_is_silent_while_a_person_has_the_conversation(visitor):
    visitor.reach()

    visitor.say("My card is blocked")

    assert visitor.state()["headline"] == "You are talking to Amina (a person)"
    assert visitor.log()[-2:] == [
        ("notice", "You are talking to Amina (a person)."),
        ("customer", "My card is blocked"),
    ]


def test_the_agents_words_are_shown_once_and_in_their_order(visitor):
    visitor.reach()

    visitor.agent_says("second", seq=2)
    visitor.agent_says("first", seq=1, id="m-1")
    visitor.agent_says("first", seq=1, id="m-1")

    assert visitor.log()[-2:] == [("agent", "first"), ("agent", "second")]


def test_words_that_come_before_the_news_of_their_speaker_get_a_name(visitor):
    visitor.ask_for_a_human()

    visitor.agent_says("Hello Mia", seq=1)
    visitor.tell("ticket.answered", version=2, agent={"name": "Amina"})

    messages = sorted(visitor.events()["messages"], key=lambda m: m["place"])
    assert [m["from"] for m in messages[-2:]] == ["notice", "agent"]
    assert messages[-1]["who"] == "Amina, a person"


def test_a_message_that_fails_is_sent_again_with_the_same_id(visitor, releve):
    ticket, id = visitor.reach(), str(uuid4())
    releve.failing = True
    visitor.say("Are you there?", id)
    eventually(lambda: visitor.events()["messages"][-1]["delivery_words"] == "Not sent, trying again")

    releve.failing = False

    eventually(lambda: visitor.events()["messages"][-1]["delivery"] == "sent")
    assert [m["client_message_id"] for m in releve.said[ticket["ticket"]]] == [id]


def test_a_message_after_the_end_is_answered_by_the_bot(visitor):
    ticket = visitor.reach()
    ticket["status"], ticket["version"] = "resolved", 3

    visitor.say("My card is blocked")

    eventually(lambda: visitor.heard(words.say("en", "card_blocked")))
    assert visitor.heard("Amina closed the conversation. I am the bot again.")
    assert visitor.state()["state"] == "bot"


def test_when_the_person_resolves_the_bot_is_back(visitor):
    visitor.reach()

    visitor.tell("ticket.resolved", version=3, disposition="solved")

    assert visitor.log()[-1] == ("notice", "Amina closed the conversation. I am the bot again.")
    assert visitor.state()["state"] == "bot"


def test_a_late_word_of_the_agent_stands_before_the_end(visitor):
    visitor.reach()
    visitor.tell("ticket.resolved", version=3, disposition="solved")

    visitor.agent_says("Goodbye", seq=1)

    assert [sender for sender, _ in visitor.log()][-2:] == ["agent", "notice"]


def test_a_handback_leaves_the_bot_with_the_note_in_mind(visitor, releve):
    visitor.reach()

    visitor.tell("ticket.handed_back", version=3, reason="bot_can", note="Tell Mia about refunds")

    assert visitor.log()[-1] == ("bot", words.say("en", "refund_status"))
    assert not visitor.heard("Tell Mia about refunds")
    visitor.ask_for_a_human()
    assert "Tell Mia about refunds" in releve.asked[-1][1]["summary"]


def test_when_the_persons_line_is_lost_the_customer_waits_again(visitor):
    visitor.reach()

    visitor.tell("ticket.requeued", version=3, reason="agent_gone")

    assert visitor.heard("We lost Amina's line; the next person sees everything you wrote.")
    assert visitor.state()["state"] == "waiting"


def test_when_nobody_comes_the_customer_is_told_and_the_bot_takes_over(visitor):
    visitor.ask_for_a_human()

    visitor.tell("ticket.unavailable", version=2, reason="no_agent")

    assert visitor.log()[-1] == ("notice", words.say("en", "unavailable"))
    assert visitor.state()["state"] == "bot"


@pytest.mark.parametrize("already", ["waiting", "talking"])
def test_the_customer_may_leave(visitor, releve, already):
    ticket = visitor.ask_for_a_human() if already == "waiting" else visitor.reach()

    visitor.http.post("leave")

    assert visitor.state()["state"] == "bot"
    assert visitor.heard(words.say("en", f"left_{already}"))
    eventually(lambda: ticket["ticket"] in releve.cancelled)


def test_a_new_conversation_leaves_the_old_one(visitor, releve):
    ticket, before = visitor.ask_for_a_human(), visitor.ref

    visitor.start()

    assert visitor.ref != before
    eventually(lambda: ticket["ticket"] in releve.cancelled)


# Webhooks


def test_a_webhook_with_a_bad_signature_is_refused(visitor):
    visitor.ask_for_a_human()
    headers = signed("{}") | {"webhook-signature": "v1,AAAA"}

    assert visitor.http.post("webhooks", content="{}", headers=headers).status_code == 400
    assert visitor.http.post("webhooks", content=b"\xff").status_code == 400


def test_the_same_webhook_twice_is_heard_once(visitor):
    visitor.ask_for_a_human()

    first = visitor.tell("ticket.answered", version=2, id="msg_same", agent={"name": "Amina"})
    again = visitor.tell("ticket.answered", version=9, id="msg_same", agent={"name": "Ben"})

    assert (first.status_code, again.status_code) == (204, 204)
    assert visitor.state()["headline"] == "You are talking to Amina (a person)"


def test_old_news_does_not_undo_newer_news(visitor):
    visitor.reach()
    visitor.tell("ticket.resolved", version=5, disposition="solved")

    visitor.tell("ticket.requeued", version=3, reason="agent_gone")

    assert visitor.state()["state"] == "bot"


def test_news_that_no_webhook_brought_is_found_by_asking(visitor, releve):
    ticket = visitor.ask_for_a_human()

    ticket.update(status="active", version=2, agent={"name": "Amina"})
    releve.said[ticket["ticket"]].append(
        {"id": "m-9", "seq": 1, "from": "agent", "text": "Hello", "at": now()}
    )

    eventually(lambda: visitor.heard("Hello"))
    assert visitor.state()["state"] == "talking"


# Death


def test_a_killed_chatbot_loses_no_conversation_and_no_word(releve, tmp_path):
    program = Program(releve.url, tmp_path)
    program.start()
    visitor = Visitor(program, releve).start()
    ticket = visitor.reach()
    releve.failing = True
    visitor.say("Do not lose this")
    before = visitor.log()

    program.kill()
    releve.failing = False
    program.start()

    assert visitor.log() == before
    assert visitor.state()["headline"] == "You are talking to Amina (a person)"
    eventually(lambda: [m["text"] for m in releve.said[ticket["ticket"]]] == ["Do not lose this"])
    program.stop()


def test_an_open_page_does_not_hold_the_chatbot_back_from_stopping(releve, tmp_path):
    program = Program(releve.url, tmp_path)
    program.start()
    visitor = Visitor(program, releve).start()

    with visitor.http.stream("GET", "events") as stream:
        next(stream.iter_lines())
        program.stop()

    assert program.process.returncode in (0, -15)
