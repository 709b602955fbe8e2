"""Nordbank's chat page: a scripted bot that asks Relève for a human when it cannot help.

It uses Relève's public API and webhooks only. Run it with `python -m uvicorn app:application
--app-dir examples/chatbot`.
"""

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

import view
from conversation import Conversation
from courier import Courier
from guard import Guard
from inbox import Inbox
from news import News
from releve import Releve
from store import Store
from talk import Talk
from words import LANGUAGES, WORDS, choose_language, say

FOLDER = Path(__file__).parent
HOME = "/chat/"
LONGEST_TEXT = 2000
LONGEST_NAME = 60
MONTH_S = 30 * 24 * 3600
HEARTBEAT_S = 15
MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

templates = Jinja2Templates(FOLDER / "templates")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    store = Store(Path(os.environ.get("CHATBOT_DATA", ".data/chatbot")))
    url = os.environ.get("CHATBOT_RELEVE_URL", "http://127.0.0.1:8000/api/v1")
    releve = Releve(url, os.environ.get("CHATBOT_API_KEY", ""))
    news = News()

    def announce(conversation: Conversation) -> None:
        news.notify(conversation.visitor)
        courier.wake(conversation.ref)

    talk = Talk(store, announce)
    inbox = Inbox(talk)
    courier = Courier(releve, talk, inbox)
    news.end_on_signals()
    watch = asyncio.create_task(courier.run())
    yield {"talk": talk, "inbox": inbox, "news": news}
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
    await courier.close()
    await releve.close()
    store.close()


async def show_page(request: Request) -> Response:
    conversation = _find_conversation(request)
    language = _choose_language(request, conversation)
    said = request.state.talk.store.list_messages(conversation.ref) if conversation else []
    shown = {
        "language": language,
        "say": WORDS[language],
        "state": view.show_state(conversation) if conversation else None,
        "name": conversation.name if conversation else "",
        "messages": [view.show_message(message, language) for message in said],
        "blank": view.make_blank(),
        "longest_text": LONGEST_TEXT,
        "longest_name": LONGEST_NAME,
    }
    response = templates.TemplateResponse(request, "chat.html", shown)
    return _set_visitor(request, response, _read_visitor(request))


async def start_conversation(request: Request) -> Response:
    fields = await _read_fields(request)
    visitor, before = _read_visitor(request), _find_conversation(request)
    language = _choose_language(request, before)
    name = " ".join(fields.get("name", "").split())[:LONGEST_NAME]
    name = name or (before.name if before else say(language, "guest"))
    request.state.talk.begin(visitor, name=name, language=language)
    return _set_visitor(request, _respond(request), visitor)


async def switch_language(request: Request) -> Response:
    wish = (await _read_fields(request)).get("language", "")
    if wish not in LANGUAGES:
        raise HTTPException(400, "No such language.")
    if conversation := _find_conversation(request):
        request.state.talk.switch_language(conversation.ref, language=wish)
    response = _respond(request)
    _set_cookie(request, response, "chat_language", wish)
    return response


async def receive_message(request: Request) -> Response:
    fields = await _read_fields(request)
    text, id = fields.get("text", "").strip(), fields.get("id") or uuid4().hex
    if not text or len(text) > LONGEST_TEXT or not MESSAGE_ID.fullmatch(id):
        raise HTTPException(400, f"Write between 1 and {LONGEST_TEXT} characters.")
    visitor, talk = _read_visitor(request), request.state.talk
    conversation = _find_conversation(request)
    if conversation is None:
        chosen = _choose_language(request, None)
        conversation = talk.begin(visitor, name=say(chosen, "guest"), language=chosen)
    talk.add_customer_message(conversation.ref, id=id, text=text)
    return _set_visitor(request, _respond(request, id=id), visitor)


async def leave_person(request: Request) -> Response:
    if conversation := _find_conversation(request):
        request.state.talk.leave(conversation.ref)
    return _respond(request)


async def stream_events(request: Request) -> Response:
    if _find_conversation(request) is None:
        return Response(status_code=204)  # stops the browser from reconnecting
    headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    return StreamingResponse(_read_events(request), media_type="text/event-stream", headers=headers)


async def receive_webhook(request: Request) -> Response:
    secret, body = os.environ.get("CHATBOT_WEBHOOK_SECRET", ""), await request.body()
    try:
        told = Webhook(secret).verify(body, dict(request.headers))
        kind, facts = str(told["type"]), dict(told["data"])
    except (WebhookVerificationError, RuntimeError, LookupError, TypeError, ValueError) as error:
        raise HTTPException(400, "This webhook is not signed by Relève.") from error
    request.state.inbox.apply_webhook(request.headers["webhook-id"], kind, facts)
    return Response(status_code=204)


async def _read_events(request: Request) -> AsyncIterator[str]:
    """The event stream of a page: the full state first, then changes, until either side closes."""
    store, news, visitor = request.state.talk.store, request.state.news, _read_visitor(request)
    with news.listen(visitor) as changed:
        seen, shown = 0, dict[str, Any]()
        while not news.over and (conversation := store.find_current(visitor)):
            changed.clear()
            fresh = store.list_messages(conversation.ref, since=seen)
            if fresh:
                seen = max(message.rev for message in fresh)
                yield _format_event(
                    "messages", [view.show_message(m, conversation.language) for m in fresh]
                )
            if shown != (shown := view.show_state(conversation)):
                yield _format_event("state", shown)
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
            except TimeoutError:
                yield ": still here\n\n"


def _format_event(name: str, facts: object) -> str:
    return f"event: {name}\ndata: {json.dumps(facts)}\n\n"


async def _read_fields(request: Request) -> dict[str, str]:
    """Read the fields of a form or a JSON object."""
    body = (await request.body()).decode(errors="replace")
    if not request.headers.get("content-type", "").startswith("application/json"):
        return {name: _clean_text(value) for name, value in parse_qsl(body)}
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise HTTPException(400, "This is not JSON.") from error
    return {k: _clean_text(str(v)) for k, v in fields.items()} if isinstance(fields, dict) else {}


def _clean_text(text: str) -> str:
    """Remove characters that cannot be stored or sent: NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _respond(request: Request, **facts: str) -> Response:
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"done": True, **facts})
    return RedirectResponse(HOME, status_code=303)


def _read_visitor(request: Request) -> str:
    if not hasattr(request.state, "visitor"):
        request.state.visitor = request.cookies.get("chat_visitor") or secrets.token_urlsafe(24)
    return str(request.state.visitor)


def _find_conversation(request: Request) -> Conversation | None:
    found: Conversation | None = request.state.talk.store.find_current(_read_visitor(request))
    return found


def _choose_language(request: Request, conversation: Conversation | None) -> str:
    if conversation:
        return conversation.language
    chosen = request.cookies.get("chat_language", "")
    return (
        chosen
        if chosen in LANGUAGES
        else choose_language(request.headers.get("accept-language", ""))
    )


def _set_visitor(request: Request, response: Response, visitor: str) -> Response:
    _set_cookie(request, response, "chat_visitor", visitor)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(
        name, value, max_age=MONTH_S, path="/chat", secure=secure, httponly=True, samesite="lax"
    )


application = Starlette(
    lifespan=lifespan,
    middleware=[Middleware(Guard)],
    routes=[
        Route("/chat", lambda request: RedirectResponse(HOME)),
        Route("/chat/", show_page),
        Route("/chat/new", start_conversation, methods=["POST"]),
        Route("/chat/language", switch_language, methods=["POST"]),
        Route("/chat/messages", receive_message, methods=["POST"]),
        Route("/chat/leave", leave_person, methods=["POST"]),
        Route("/chat/events", stream_events),
        Route("/chat/webhooks", receive_webhook, methods=["POST"]),
        Mount("/chat/static", StaticFiles(directory=FOLDER / "static")),
    ],
)
