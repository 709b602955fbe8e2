"""A client of Relève's public API for this chatbot.

Unreachable means try again with the same key. Refused means the answer is no.
"""

from typing import Any

import httpx

# Includes 401 and 403, because a key under replacement must not lose a customer's message.
TRY_AGAIN = {401, 403, 408, 425, 429, 500, 502, 503, 504}


class Unreachable(Exception):
    """Relève did not answer, or asked for a later try."""


class Refused(Exception):
    """Relève answered no."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', '')} {problem.get('detail', '')}".strip())
        self.status = status
        self.code = str(problem.get("code", ""))
        self.problem = problem


class Releve:
    def __init__(self, url: str, api_key: str) -> None:
        headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._http = httpx.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=5)

    async def close(self) -> None:
        await self._http.aclose()

    async def escalate(self, body: str, *, key: str) -> dict[str, Any]:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return await self._request("POST", "/escalations", content=body, headers=headers)

    async def read_ticket(self, ticket: str) -> dict[str, Any]:
        return await self._request("GET", f"/tickets/{ticket}")

    async def read_messages(self, ticket: str, *, after: int = 0) -> list[dict[str, Any]]:
        page = await self._request("GET", f"/tickets/{ticket}/messages", params={"after": after})
        return list(page["messages"])

    async def send_message(self, ticket: str, *, message_id: str, text: str) -> dict[str, Any]:
        said = {"client_message_id": message_id, "text": text}
        return await self._request("POST", f"/tickets/{ticket}/messages", json=said)

    async def cancel_ticket(self, ticket: str) -> dict[str, Any]:
        return await self._request("POST", f"/tickets/{ticket}/cancel", json={"reason": "left"})

    async def _request(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **given)
            answer = response.json() if response.content else {}
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise Unreachable(f"{method} {path}: {error!r}") from error
        if response.status_code in TRY_AGAIN:
            raise Unreachable(f"{method} {path}: {response.status_code}")
        if not response.is_success or not isinstance(answer, dict):
            raise Refused(response.status_code, answer if isinstance(answer, dict) else {})
        return answer
