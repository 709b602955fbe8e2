"""Protects every request and response: security headers, a size limit, no writes from other
sites."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
LARGEST_BODY = 256 * 1024


class Guard:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", _cache_control(scope["path"]))
            await send(message)

        app = _refuse(scope) or self._app
        await app(scope, receive, guarded)


def _cache_control(path: str) -> str:
    return "no-cache" if path.startswith("/chat/static/") else "no-store"


def _refuse(scope: Scope) -> ASGIApp | None:
    headers = Headers(scope=scope)
    if scope["method"] == "POST" and headers.get("sec-fetch-site") == "cross-site":
        return PlainTextResponse("Write from this site.", status_code=403)
    length = headers.get("content-length", "chunked" if "transfer-encoding" in headers else "0")
    if scope["method"] == "POST" and (not length.isdigit() or int(length) > LARGEST_BODY):
        return PlainTextResponse("Too large.", status_code=413)
    return None
