"""ASGI entry for WebSockets only. `config.wsgi` serves HTTP, because synchronous views cost far
less there."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Django must load the apps before the imports below import a model.
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import OriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402

from config import garbage_collection  # noqa: E402
from config.middleware.request_log import add_request_id  # noqa: E402
from dispatch.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": add_request_id(
            OriginValidator(
                AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.ALLOWED_ORIGINS
            )
        ),
    }
)

garbage_collection.freeze()
