"""The only WebSocket URL."""

from typing import Any, cast

from django.urls import path

from dispatch.desk.consumers import DeskConsumer

websocket_urlpatterns: list[Any] = [path("ws/desk/", cast(Any, DeskConsumer.as_asgi()))]
