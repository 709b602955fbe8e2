"""The wire: one actor's HTTP, with the patience of a good client.

What brings no answer, or one that promises nothing (a server that restarts, a request that still
runs), is in doubt, and in doubt the very same thing is sent again until the answer is clear.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from dispatch.loadtest.history import History

#: Seconds until an answer is not waited for any longer.
PATIENCE = 12.0
#: Seconds until the first and between all further tries.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
#: Seconds after which somebody who gets no clear answer stops asking.
GIVE_UP = 150.0
NOTHING_CAME = 0
TRY_AGAIN = {NOTHING_CAME, 408, 425, 429, 500, 502, 503, 504}
#: Codes of refusals that pass by themselves.
PASSING = ("idempotency_key_busy",)


class Reply(NamedTuple):
    """What came back; status 0 when nothing did."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = {}

    @property
    def good(self) -> bool:
        return 200 <= self.status < 400

    @property
    def doubtful(self) -> bool:
        return self.status in TRY_AGAIN or any(code in self.text for code in PASSING)


class HttpClient:
    """One actor's connection to the platform; cookies included."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, chance: Random, echoes: int = 0
    ) -> None:
        """`echoes`: each thing is sent up to so many times more, all at once."""
        self.url, self.chance, self.echoes = url.rstrip("/"), chance, echoes
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers=dict(headers or {}),
            timeout=PATIENCE,
            trust_env=False,
            verify=_certificates() if url.startswith("https") else False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    def cookie(self, *names: str) -> tuple[str, str]:
        """The first of these cookies there is, and its name."""
        found = ((name, self._http.cookies.get(name)) for name in names)
        return next(((name, value) for name, value in found if value), ("", ""))

    async def ask(self, method: str, path: str, **given: Any) -> Reply:
        """Once; or where there is an echo, several times at once, of which the best answer."""
        times = 1 + (self.chance.randint(0, self.echoes) if method == "POST" else 0)
        if times == 1:
            return await self._ask(method, path, **given)
        answers = await asyncio.gather(*(self._ask(method, path, **given) for _ in range(times)))
        return min(answers, key=lambda answer: (not answer.good, answer.doubtful))

    async def _ask(self, method: str, path: str, **given: Any) -> Reply:
        try:
            answer = await self._http.request(method, path, **given)
            return Reply(answer.status_code, answer.text, answer.headers)
        except httpx.HTTPError:
            return Reply(NOTHING_CAME)

    async def insist(
        self,
        book: History,
        act: str,
        method: str,
        path: str,
        *,
        about: Mapping[str, Any],
        **given: Any,
    ) -> Reply:
        """Until the answer is clear. Notes what was sent and what was in doubt."""
        book.note(act, "sent", **about)
        for pause in pauses(self.chance):
            answer = await self.ask(method, path, **given)
            if not answer.doubtful:
                break
            book.note(act, "doubted", status=answer.status, **about)
            await asyncio.sleep(pause)
        return answer


def pauses(chance: Random, *, within: float = GIVE_UP) -> Iterator[float]:
    """How long to wait before each further try, spread so that a crowd does not return at once."""
    waited, usual = 0.0, FIRST_PAUSE
    while waited < within:
        pause = usual * chance.uniform(0.5, 1.5)
        waited, usual = waited + pause, min(usual * 2, LONGEST_PAUSE)
        yield pause


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()
