"""The example chatbot as a separate program, a visitor, and a small stand-in for Relève's API."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CHATBOT = Path(__file__).parents[2] / "examples" / "chatbot"
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Releve:
    """Relève as the chatbot sees it: it stores all requests and can be made to fail."""

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

    def find_ticket(self, ref):
        """The newest ticket of a conversation."""
        return [t for t in self.tickets.values() if t["conversation_ref"] == ref][-1]


def now():
    return datetime.now(UTC).isoformat()


def english(key):
    """The English text of a sentence."""
    return json.loads((CHATBOT / "words" / "en.json").read_text())[key]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """The chatbot, started as in its README."""

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
        eventually(lambda: self._is_answering(), within=20)

    def _is_answering(self):
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


class Visitor:
    """A visitor without a browser: sends forms, reads the event stream."""

    def __init__(self, program, releve, language="en"):
        self.http = httpx.Client(base_url=program.url, headers={"Accept-Language": language})
        self.releve = releve

    def __enter__(self):
        return self

    def __exit__(self, *trouble):
        self.http.close()

    def start(self, name="Mia"):
        self.http.post("new", data={"name": name})
        self.ref = re.search(r'data-conversation="([^"]+)"', self.page())[1]
        return self

    def say(self, text, id=None):
        return self.http.post("messages", data={"text": text, "id": id or str(uuid4())})

    def ask_for_a_human(self):
        self.say("I want a human")
        eventually(lambda: self.state()["state"] == "waiting")
        return self.releve.find_ticket(self.ref)

    def reach(self, agent="Amina"):
        ticket = self.ask_for_a_human()
        self.tell("ticket.answered", version=2, agent={"name": agent})
        return ticket

    def page(self):
        return self.http.get("").text

    def events(self):
        """The first event of each kind, which carries the full state."""
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
        """Send a webhook of Relève about this visitor's newest ticket."""
        ticket = self.releve.find_ticket(self.ref)
        if kind != "message.created":
            ticket["version"] = version
            ticket["status"] = {"answered": "active", "requeued": "queued"}.get(kind[7:], kind[7:])
            ticket["agent"] = facts.get("agent", ticket["agent"])
        about = {"ticket": ticket["ticket"], "conversation_ref": self.ref, "version": version}
        body = json.dumps({"type": kind, "timestamp": now(), "data": {**about, **facts}})
        return self.http.post("webhooks", content=body, headers=sign(body, id))

    def agent_says(self, text, *, seq, version=2, id=None):
        message = {"id": id or str(uuid4()), "seq": seq, "from": "agent", "text": text, "at": now()}
        return self.tell("message.created", version=version, message=message)


def sign(body, id=None):
    id, at = id or f"msg_{uuid4().hex}", datetime.now(UTC)
    signature = Webhook(SECRET).sign(msg_id=id, timestamp=at, data=body)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
