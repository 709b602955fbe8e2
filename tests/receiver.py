"""A chatbot's real webhook endpoint: an HTTP server on a thread that stores its requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ReceivedRequest:
    """A received request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def news(self) -> dict[str, Any]:
        news: dict[str, Any] = json.loads(self.body)
        return news


@dataclass
class Receiver:
    """Answers each request with the next of `answers`; the last one repeats."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    received: list[ReceivedRequest] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [one.news["type"] for one in self.received]

    def answer(self, request: ReceivedRequest) -> int:
        self.received.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def run_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.answer(ReceivedRequest(self.path, headers, body)))
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
