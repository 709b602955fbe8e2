"""`manage.py demo`: a small believable installation, made once in an empty database."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from dispatch.management import seed
from tickets import clock
from tickets.models import Client


class Command(BaseCommand):
    help = "Loads the demo into an empty database and writes its logins to demo.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--chatbot-url", required=True, help="where the chatbot hears webhooks")

    def handle(self, *args: Any, chatbot_url: str, **options: Any) -> None:
        if seed.is_loaded():
            seed.update_chatbot_url(chatbot_url=chatbot_url)
        elif not Client.objects.exists():
            made = seed.load(chatbot_url=chatbot_url, at=clock.now())
            keep(settings.DATA_DIR / "demo.json", made)


def keep(path: Path, secret: dict[str, Any]) -> None:
    """Write for the owner's eyes only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(secret, file, indent=1)
