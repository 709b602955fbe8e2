"""HTTP and WebSockets in one process."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.naive.settings")
http = get_asgi_application()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.db import transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402

from benchmarks.naive.models import Ticket  # noqa: E402
from benchmarks.naive.tasks import match  # noqa: E402


class TicketSerializer(serializers.ModelSerializer):
    class Meta:
        model = Ticket
        fields = "__all__"


class Tickets(generics.CreateAPIView):
    queryset = Ticket.objects.all()
    serializer_class = TicketSerializer

    @transaction.atomic
    def perform_create(self, serializer):
        ticket = serializer.save()
        transaction.on_commit(lambda: match.delay(ticket.pk))


class Desk(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.group = f"agent_{self.scope['url_route']['kwargs']['agent']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def offer(self, event):
        await self.send_json({"offer": event["offer"], "ticket": event["ticket"]})


urlpatterns = [path("tickets/", Tickets.as_view())]
application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([path("ws/<int:agent>/", Desk.as_asgi())])}
)
