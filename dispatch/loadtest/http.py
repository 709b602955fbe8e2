"""HTTP of one actor, with the patience of a good client.

A request without an answer, or with one that promises nothing (a server that restarts, a request
that still runs), is unclear. The same request is then sent again until the answer is clear.
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
#: Seconds after which a client without a clear answer stops asking.
RETRY_FOR = 150.0
NO_ANSWER = 0
RETRY_STATUSES = {NO_ANSWER, 408, 425, 429, 500, 502, 503, 504}
#: Codes of refusals that pass by themselves.
TRANSIENT_CODES = ("idempotency_key_busy",)


class Reply(NamedTuple):
    """What came back; status 0 when nothing did."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = {}

    @property
    def good(self) -> bool:
        return 200 <= self.status < 400

    @property
    def is_unclear(self) -> bool:
        return self.status in RETRY_STATUSES or any(code in self.text for code in TRANSIENT_CODES)


class HttpClient:
    """One actor's connection to the platform; cookies included."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        rng: Random,
        duplicates: int = 0,
    ) -> None:
        """`duplicates`: each thing is sent up to so many times more, all at once."""
        self.url, self.rng, self.duplicates = url.rstrip("/"), rng, duplicates
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
        times = 1 + (self.rng.randint(0, self.duplicates) if method == "POST" else 0)
        if times == 1:
            return await self._ask(method, path, **given)
        answers = await asyncio.gather(*(self._ask(method, path, **given) for _ in range(times)))
        return min(answers, key=lambda answer: (not answer.good, answer.is_unclear))

    async def _ask(self, method: str, path: str, **given: Any) -> Reply:
        try:
            answer = await self._http.request(method, path, **given)
            return Reply(answer.status_code, answer.text, answer.headers)
        except httpx.HTTPError:
            return Reply(NO_ANSWER)

    async def request_until_clear(
        self,
        history: History,
        act: str,
        method: str,
        path: str,
        *,
        about: Mapping[str, Any],
        **given: Any,
    ) -> Reply:
        """Send until the answer is clear. Notes each request sent and each unclear answer."""
        history.note(act, "sent", **about)
        for pause in retry_pauses(self.rng):
            answer = await self.ask(method, path, **given)
            if not answer.is_unclear:
                break
            history.note(act, "doubted", status=answer.status, **about)
            await asyncio.sleep(pause)
        return answer


def retry_pauses(rng: Random, *, within: float = RETRY_FOR) -> Iterator[float]:
    """How long to wait before each further try, spread so that a crowd does not return at once."""
    waited, usual = 0.0, FIRST_PAUSE
    while waited < within:
        pause = usual * rng.uniform(0.5, 1.5)
        waited, usual = waited + pause, min(usual * 2, LONGEST_PAUSE)
        yield pause


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()
