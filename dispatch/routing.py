"""The one WebSocket address."""

from django.urls import path

from dispatch.desk.consumers import Desk

websocket_urlpatterns = [path("ws/desk/", Desk.as_asgi())]
