"""An agent's browser: logs in, keeps the WebSocket open, reads the page, presses its buttons."""

import asyncio
import re
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from dispatch.loadtest import page_parser
from dispatch.loadtest.history import History
from dispatch.loadtest.http import HttpClient, Reply, retry_pauses
from dispatch.loadtest.page_parser import DeskPage
from dispatch.loadtest.websocket import NOT_LOGGED_IN, WebSocketClient

SESSION = ("__Host-session", "session")
CSRF = ("__Host-csrf", "csrf")
CONVERSATION_PATH = re.compile(r"/conversations/([0-9a-f-]{36})/")
#: A page without its WebSocket asks by HTTP so often (s).
POLL_EVERY = 3.0


class DeskBrowser:
    """One open page. `changed` is set when the page needs the agent's attention."""

    def __init__(
        self, http: HttpClient, login: tuple[str, str], *, history: History, rng: Random
    ) -> None:
        """`login`: name and password."""
        self.http, self.login, self.history, self.rng = http, login, history, rng
        self.changed = asyncio.Event()
        #: The server knows something that this page does not show.
        self.is_stale = False
        #: Offers on the screen, and whether the server was told.
        self.offers: dict[str, bool] = {}
        self.conversations: list[str] = []
        self.presence = ""
        self._logging_in = asyncio.Lock()
        self.websocket = WebSocketClient(
            f"ws{http.url.removeprefix('http')}/ws/desk/",
            headers=self._websocket_headers,
            on_offer=self._add_offer,
            on_change=self._mark_stale,
            on_close=self._websocket_closed,
            history=history,
            rng=rng,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def log_in(self) -> bool:
        """Through the login page, until it lets in or refuses."""
        async with self._logging_in:
            for pause in retry_pauses(self.rng):
                page = await self.http.ask("GET", "/desk/login/")
                if page.status == 302:
                    return True
                if page.good and (answer := await self._submit_login(page)).status in (302, 200):
                    self.history.note("login", "acked" if answer.status == 302 else "refused")
                    return answer.status == 302
                await asyncio.sleep(pause)
        return False

    async def open(self) -> None:
        """Open the page: keep its WebSocket, and ask by HTTP while that is lost."""
        self._tasks = [
            asyncio.create_task(self.websocket.run()),
            asyncio.create_task(self._poll_while_offline()),
        ]

    async def close(self) -> None:
        """Close the page as a lost network would: the server is not told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def refresh(self, conversation: str = "", *, after: int = 0, stage: str = "") -> DeskPage:
        """Fetch what the page lacks, by HTTP. Without news or an answer the result is empty."""
        position: dict[str, Any] = {"signature": self.websocket.signature}
        if conversation:
            position |= {"conversation": conversation, "after": after, "stage": stage}
        answer = await self.http.ask("GET", "/desk/state", params=position, headers=self._headers())
        await self._log_in_if_needed(answer)
        return self._update(answer)

    async def press(self, act: str, path: str, *, about: dict[str, Any], **form: Any) -> Reply:
        """Press a button until the answer is clear; what was refused is noted."""
        await self._log_in_if_needed(Reply(200))
        answer = await self.http.request_until_clear(
            self.history,
            act,
            "POST",
            f"/desk/{path}",
            about=about,
            data={name: value for name, value in form.items() if value is not None},
            headers=self._headers(),
        )
        if not answer.good:
            how = "unclear" if answer.is_unclear else "refused"
            self.history.note(act, how, status=answer.status, **about)
        await self._log_in_if_needed(answer)
        self._update(answer)
        return answer

    async def set_presence(self, status: str) -> bool:
        """Set the presence, also during a conversation."""
        about = {"status": status}
        answer = await self.press("presence", "presence", about=about, status=status, confirmed="1")
        if answer.good:
            self.history.note("presence", "acked", **about)
        return answer.good

    async def show(self, offer: str) -> None:
        """Report that the card is on the screen: over the WebSocket, else by HTTP."""
        self.history.note("shown", "sent", offer=offer)
        if not await self.websocket.say_shown(offer):
            await self.http.ask("POST", f"/desk/offers/{offer}/shown", headers=self._headers())

    async def accept(self, offer: str) -> str | None:
        """The conversation that began; None when it was too late."""
        answer = await self.press("accept", f"offers/{offer}/accept", about={"offer": offer})
        found = CONVERSATION_PATH.search(answer.headers.get("hx-redirect", ""))
        if not (answer.good and found):
            return None
        self.history.note("accept", "acked", offer=offer, assignment=found[1])
        return found[1]

    async def decline(self, offer: str, *, because: str) -> None:
        about = {"offer": offer, "because": because}
        answer = await self.press("decline", f"offers/{offer}/decline", about=about)
        if answer.good:
            self.history.note("decline", "acked", **about)
            if because:
                path = f"offers/{offer}/because"
                await self.press("because", path, about=about, because=because)

    async def say(
        self, conversation: str, *, number: UUID, text: str, after: int
    ) -> DeskPage | None:
        """Send a message. Returns what is new on the page, or None when it was refused."""
        about = {"assignment": conversation, "id": str(number), "text": text, "from": "agent"}
        answer = await self.press(
            "message",
            f"conversations/{conversation}/messages",
            about=about,
            text=text,
            client_message_id=str(number),
            conversation=conversation,
            after=after,
            stage="talking",
        )
        if not answer.good:
            return None
        shown = page_parser.read(answer.text)
        own = (words.seq for words in shown.words if words.number == str(number))
        self.history.note("message", "acked", seq=next(own, None), **about)
        return shown

    async def end(self, verb: str, conversation: str, **form: str) -> bool:
        """Resolve, hand back, or finish. Whether it was done."""
        about = {"assignment": conversation}
        answer = await self.press(verb, f"conversations/{conversation}/{verb}", about=about, **form)
        if answer.good:
            self.history.note(verb, "acked", **about)
        return answer.good

    def _add_offer(self, offer: str) -> None:
        if offer not in self.offers:
            self.offers[offer] = False
            self.history.note("card", "seen", offer=offer, over="line")
            self.changed.set()

    def _update(self, answer: Reply) -> DeskPage:
        shown = page_parser.read(answer.text) if answer.status in (200, 409, 410, 422) else None
        if not shown or not shown.presence:
            return page_parser.read("")
        for offer in [one for one in shown.offers if one not in self.offers]:
            self.history.note("card", "seen", offer=offer, over="http")
            self.changed.set()
        self.offers = {offer: self.offers.get(offer, False) for offer in shown.offers}
        self.conversations, self.presence = shown.conversations, shown.presence
        self.websocket.signature = shown.signature
        return shown

    def _mark_stale(self) -> None:
        self.is_stale = True
        self.changed.set()

    async def _poll_while_offline(self) -> None:
        while True:
            await asyncio.sleep(POLL_EVERY)
            if not self.websocket.is_open:
                self._mark_stale()

    async def _submit_login(self, page: Reply) -> Reply:
        name, password = self.login
        form = {"csrfmiddlewaretoken": page_parser.token(page.text), "username": name}
        given = form | {"password": password}
        origin = {"Origin": _origin(self.http.url)}
        return await self.http.ask("POST", "/desk/login/", data=given, headers=origin)

    async def _log_in_if_needed(self, answer: Reply) -> None:
        if answer.status == 401 or not self.http.cookie(*SESSION)[1]:
            await self.log_in()

    def _websocket_closed(self, code: int) -> None:
        if code == NOT_LOGGED_IN:
            self._tasks.append(asyncio.create_task(self._log_in_again()))

    async def _log_in_again(self) -> None:
        await self.log_in()

    def _headers(self) -> dict[str, str]:
        return {
            "HX-Request": "true",
            "X-CSRFToken": self.http.cookie(*CSRF)[1],
            "Origin": _origin(self.http.url),
        }

    def _websocket_headers(self) -> dict[str, str]:
        name, value = self.http.cookie(*SESSION)
        return {"Cookie": f"{name}={value}", "Origin": _origin(self.http.url)}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
