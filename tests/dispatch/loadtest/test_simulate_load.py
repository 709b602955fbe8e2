"""`manage.py simulate_load`: what it refuses, what it lays, and a whole load on a real platform."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents.models import Agent
from config import embedded
from dispatch.loadtest import fixtures, history
from tests.platform import Platform
from tickets import clock
from tickets.models import ApiKey, Client


def create_load_fixtures(slug: str = "load", agents: int = 4) -> fixtures.Fixtures:
    return fixtures.create(
        slug,
        agents=agents,
        languages=("en", "fr"),
        patience=timedelta(seconds=45),
        wrap_up=timedelta(seconds=10),
        at=clock.now(),
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"agents": 0}, "at least one agent"),
        ({"rate": 0.0}, "a rate above zero"),
        ({"minutes": -1.0}, "minutes above zero"),
        ({"languages": "en,12"}, "languages as codes"),
    ],
)
def test_nonsense_is_refused_with_what_to_give_instead(given: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("simulate_load", **{"agents": 1, "rate": 1.0, **given})


def test_where_people_work_it_has_to_be_asked_for(settings: Any) -> None:
    settings.SECURE, settings.PUBLIC_URL = True, "https://desk.example.com"

    with pytest.raises(CommandError, match=r"desk\.example\.com .*--among-people"):
        call_command("simulate_load", agents=1, rate=1.0)


@pytest.mark.django_db
def test_fixtures_created_again_are_the_same_with_new_keys() -> None:
    first = create_load_fixtures()

    second = create_load_fixtures()

    assert second.agents == first.agents
    assert Agent.objects.count() == 4
    assert Client.objects.get().slug == "load"
    assert ApiKey.objects.filter(revoked_at=None).count() == 1
    assert (second.api_key, second.password) != (first.api_key, first.password)


@pytest.mark.live
@pytest.mark.django_db(transaction=True)
def test_a_load_comes_works_and_leaves(platform: Platform, tmp_path: Path) -> None:
    """Ctrl-C ends the arrivals; whoever came finishes."""
    load = subprocess.Popen(
        [
            *(sys.executable, "manage.py", "simulate_load", "--agents", "3", "--rate", "60"),
            *("--pace", "brisk", "--languages", "en", "--seed", "5", "--log", str(tmp_path)),
            *("--drain", "40", "--listen", "3"),
        ],
        cwd=embedded.BASE_DIR,
        env={**os.environ, **platform.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    await_lines(tmp_path, "escalation", "acked", least=6)
    load.send_signal(signal.SIGINT)
    told, _errors = load.communicate(timeout=120)

    counts = Counter((line["act"], line["how"]) for line in history.read(tmp_path))
    assert load.returncode == 0, told
    assert f"{counts['escalation', 'acked']:>8} escalations" in told
    assert counts["accept", "acked"] > 0
    assert counts["webhook", "seen"] > 0
    assert counts["webhook", "refused"] == counts["message", "unclear"] == 0
    assert {one.status for one in Agent.objects.all()} == {"approved"}
    assert not Agent.objects.exclude(presence__status="offline").exists()


def await_lines(folder: Path, act: str, how: str, *, least: int) -> None:
    embedded.retry(lambda: _enough(folder, act, how, least), ValueError, seconds=90)


def _enough(folder: Path, act: str, how: str, least: int) -> None:
    """Raises ValueError while there are fewer."""
    found = [one for one in history.read(folder) if (one["act"], one["how"]) == (act, how)]
    if len(found) < least:
        raise ValueError(len(found))
