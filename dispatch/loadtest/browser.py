"""An agent's browser: logs in, keeps the page's line open, reads the page, presses its buttons."""

import asyncio
import re
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from dispatch.loadtest import page_parser
from dispatch.loadtest.history import History
from dispatch.loadtest.http import HttpClient, Reply, pauses
from dispatch.loadtest.page_parser import DeskPage
from dispatch.loadtest.websocket import NOT_LOGGED_IN, WebSocketClient

SESSION = ("__Host-session", "session")
CSRF = ("__Host-csrf", "csrf")
TALK = re.compile(r"/conversations/([0-9a-f-]{36})/")
#: A page whose line is lost asks so often (s).
ALONE = 3.0


class DeskBrowser:
    """One open page. Whoever uses it waits until it stirs."""

    def __init__(
        self, wire: HttpClient, login: tuple[str, str], *, book: History, chance: Random
    ) -> None:
        """`login`: name and password."""
        self.wire, self.login, self.book, self.chance = wire, login, book, chance
        self.stirred = asyncio.Event()
        #: The server knows something that this page does not show.
        self.behind = False
        #: Offers on the screen, and whether the server was told.
        self.offers: dict[str, bool] = {}
        self.conversations: list[str] = []
        self.presence = ""
        self._logging_in = asyncio.Lock()
        self.line = WebSocketClient(
            f"ws{wire.url.removeprefix('http')}/ws/desk/",
            headers=self._line_headers,
            card=self._arrive,
            news=self._fall_behind,
            lost=self._line_lost,
            book=book,
            chance=chance,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def log_in(self) -> bool:
        """Through the login page, until it lets in or refuses."""
        async with self._logging_in:
            for pause in pauses(self.chance):
                page = await self.wire.ask("GET", "/desk/login/")
                if page.status == 302:
                    return True
                if page.good and (answer := await self._sign(page)).status in (302, 200):
                    self.book.note("login", "acked" if answer.status == 302 else "refused")
                    return answer.status == 302
                await asyncio.sleep(pause)
        return False

    async def open(self) -> None:
        """Open the page: the line is kept from now on, and asked by HTTP while it is lost."""
        self._tasks = [asyncio.create_task(self.line.keep()), asyncio.create_task(self._go_alone())]

    async def shut(self) -> None:
        """Close the page, as a lost network would: nobody is told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def look(self, conversation: str = "", *, after: int = 0, stage: str = "") -> DeskPage:
        """What the page lacks, by HTTP. Nothing new, or no answer: an empty screen."""
        position: dict[str, Any] = {"signature": self.line.signature}
        if conversation:
            position |= {"conversation": conversation, "after": after, "stage": stage}
        answer = await self.wire.ask("GET", "/desk/state", params=position, headers=self._headers())
        await self._stay_logged_in(answer)
        return self._show(answer)

    async def press(self, act: str, path: str, *, about: dict[str, Any], **form: Any) -> Reply:
        """Press a button until the answer is clear; what was refused is noted."""
        await self._stay_logged_in(Reply(200))
        answer = await self.wire.insist(
            self.book,
            act,
            "POST",
            f"/desk/{path}",
            about=about,
            data={name: value for name, value in form.items() if value is not None},
            headers=self._headers(),
        )
        if not answer.good:
            how = "unclear" if answer.doubtful else "refused"
            self.book.note(act, how, status=answer.status, **about)
        await self._stay_logged_in(answer)
        self._show(answer)
        return answer

    async def move(self, status: str) -> bool:
        """Come, take a break, or leave, whoever is being talked to."""
        about = {"status": status}
        answer = await self.press("presence", "presence", about=about, status=status, confirmed="1")
        if answer.good:
            self.book.note("presence", "acked", **about)
        return answer.good

    async def show(self, offer: str) -> None:
        """The card is on the screen: said over the line, else by HTTP."""
        self.book.note("shown", "sent", offer=offer)
        if not await self.line.say_shown(offer):
            await self.wire.ask("POST", f"/desk/offers/{offer}/shown", headers=self._headers())

    async def accept(self, offer: str) -> str | None:
        """The conversation that began; None when it was too late."""
        answer = await self.press("accept", f"offers/{offer}/accept", about={"offer": offer})
        found = TALK.search(answer.headers.get("hx-redirect", ""))
        if not (answer.good and found):
            return None
        self.book.note("accept", "acked", offer=offer, assignment=found[1])
        return found[1]

    async def decline(self, offer: str, *, because: str) -> None:
        about = {"offer": offer, "because": because}
        answer = await self.press("decline", f"offers/{offer}/decline", about=about)
        if answer.good:
            self.book.note("decline", "acked", **about)
            if because:
                path = f"offers/{offer}/because"
                await self.press("because", path, about=about, because=because)

    async def say(
        self, conversation: str, *, number: UUID, text: str, after: int
    ) -> DeskPage | None:
        """What is new on the screen, these words among it; None when they were refused."""
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
        self.book.note("message", "acked", seq=next(own, None), **about)
        return shown

    async def end(self, verb: str, conversation: str, **form: str) -> bool:
        """Resolve, hand back, or finish. Whether it was done."""
        about = {"assignment": conversation}
        answer = await self.press(verb, f"conversations/{conversation}/{verb}", about=about, **form)
        if answer.good:
            self.book.note(verb, "acked", **about)
        return answer.good

    def _arrive(self, offer: str) -> None:
        if offer not in self.offers:
            self.offers[offer] = False
            self.book.note("card", "seen", offer=offer, over="line")
            self.stirred.set()

    def _show(self, answer: Reply) -> DeskPage:
        shown = page_parser.read(answer.text) if answer.status in (200, 409, 410, 422) else None
        if not shown or not shown.presence:
            return page_parser.read("")
        for offer in [one for one in shown.offers if one not in self.offers]:
            self.book.note("card", "seen", offer=offer, over="http")
            self.stirred.set()
        self.offers = {offer: self.offers.get(offer, False) for offer in shown.offers}
        self.conversations, self.presence = shown.conversations, shown.presence
        self.line.signature = shown.signature
        return shown

    def _fall_behind(self) -> None:
        self.behind = True
        self.stirred.set()

    async def _go_alone(self) -> None:
        while True:
            await asyncio.sleep(ALONE)
            if not self.line.is_open:
                self._fall_behind()

    async def _sign(self, page: Reply) -> Reply:
        name, password = self.login
        form = {"csrfmiddlewaretoken": page_parser.token(page.text), "username": name}
        given = form | {"password": password}
        origin = {"Origin": _origin(self.wire.url)}
        return await self.wire.ask("POST", "/desk/login/", data=given, headers=origin)

    async def _stay_logged_in(self, answer: Reply) -> None:
        if answer.status == 401 or not self.wire.cookie(*SESSION)[1]:
            await self.log_in()

    def _line_lost(self, code: int) -> None:
        if code == NOT_LOGGED_IN:
            self._tasks.append(asyncio.create_task(self._log_in_again()))

    async def _log_in_again(self) -> None:
        await self.log_in()

    def _headers(self) -> dict[str, str]:
        return {
            "HX-Request": "true",
            "X-CSRFToken": self.wire.cookie(*CSRF)[1],
            "Origin": _origin(self.wire.url),
        }

    def _line_headers(self) -> dict[str, str]:
        name, value = self.wire.cookie(*SESSION)
        return {"Cookie": f"{name}={value}", "Origin": _origin(self.wire.url)}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
