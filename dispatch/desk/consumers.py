"""The WebSocket of the desk. It sends updates to the page, and receives heartbeats and the offers
that the screen shows. It makes no decisions."""

import json
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from agents.models import Agent
from dispatch.desk import heartbeats
from dispatch.desk.heartbeats import LiveSession
from dispatch.realtime import push

#: Close codes of our protocol.
NOT_LOGGED_IN, NOT_AN_AGENT, TOO_MUCH = 4401, 4403, 4429
#: A page sends a heartbeat every ten seconds, and a frame for each offer on its screen.
MOST_FRAMES_A_MINUTE = 120
LONGEST_FRAME = 100


class DeskConsumer(AsyncWebsocketConsumer):
    """One open page of one agent."""

    session: LiveSession | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method for the message, without closing old database connections first.

        Channels would do that in a thread for every frame. Our database calls do it themselves.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        await self.accept()
        user, session_key = self.scope["user"], self.scope["session"].session_key
        if user is None or not user.is_authenticated or session_key is None:
            await self.close(NOT_LOGGED_IN)
            return
        agent_id = await find_agent_id(user.pk)
        if agent_id is None:
            await self.close(NOT_AN_AGENT)
            return
        self.session = LiveSession(agent_id, session_key)
        self.minute, self.frames = time.monotonic(), 0
        # Join the group before the page reads its state, so that no update is lost in between.
        await self.channel_layer.group_add(push.group(agent_id), self.channel_name)
        heartbeats.beat(self)

    async def disconnect(self, code: int) -> None:
        heartbeats.stop(self)
        if self.session:
            with suppress(RedisError):
                await self.channel_layer.group_discard(
                    push.group(self.session.agent_id), self.channel_name
                )

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle a frame: it names an offer that is on the screen, or is a heartbeat."""
        if self._is_flooding():
            await self.close(TOO_MUCH)
        elif offer_id := parse_shown_offer(text_data):
            heartbeats.show(self, offer_id)
        elif self.session:
            heartbeats.beat(self)

    async def news(self, event: dict[str, Any]) -> None:
        """Forward a message from `push` as it is."""
        await self.send(text_data=event["text"])

    async def answer(self, signature: str | None) -> None:
        """Answer a heartbeat with the desk's signature; None means that the session ended."""
        if signature is None:
            await self.close(NOT_LOGGED_IN)
        else:
            await self.send(text_data=json.dumps({"signature": signature}))

    async def ask_to_refresh(self) -> None:
        """Tell the page to reload its state, because an update may have been lost."""
        await self.send(text_data=json.dumps({"changed": True}))

    def _is_flooding(self) -> bool:
        now = time.monotonic()
        if now - self.minute > 60:
            self.minute, self.frames = now, 0
        self.frames += 1
        return self.frames > MOST_FRAMES_A_MINUTE


async def find_agent_id(user_id: int) -> UUID | None:
    """Find the agent of a user."""
    found = Agent.objects.filter(user_id=user_id).values_list("pk", flat=True)
    return await database_sync_to_async(found.first, thread_sensitive=False)()


def parse_shown_offer(frame: str | None) -> UUID | None:
    """Parse the offer of a frame like {"shown": "<id>"}; None for any other frame."""
    if frame is None or len(frame) > LONGEST_FRAME:
        return None
    try:
        return UUID(json.loads(frame)["shown"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
