"""The README's five minutes with curl, run as they stand on the platform's real processes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import factories
from tests.platform import Platform
from tickets.models import Message, Ticket

README = Path(__file__).resolve().parent.parent / "README.md"


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_five_minutes_with_curl_work_twice_as_they_stand(
    platform: Platform, tmp_path: Path
) -> None:
    client = factories.make_client()
    factories.make_skill("cards")
    factories.make_card(client)
    keep_demo(tmp_path, key=factories.make_key(client))
    _before, _title, minutes = README.read_text().partition("## Five minutes with curl")
    story = "".join(re.findall(r"^```sh\n(.+?)^```", minutes, re.DOTALL | re.MULTILINE))

    answers = [run(story, folder=tmp_path, port=platform.ports.door) for _ in range(2)]

    assert [ticket_of(said)["status"] for said in answers] == ["queued", "queued"]
    assert Ticket.objects.count() == 2
    assert Message.objects.filter(text="Hello?").count() == 2


def keep_demo(folder: Path, *, key: str) -> None:
    """The key where `make up` keeps it."""
    (folder / ".data").mkdir()
    (folder / ".data/demo.json").write_text(json.dumps({"chatbot": {"api_key": key}}))


def run(story: str, *, folder: Path, port: int) -> list[dict[str, Any]]:
    """What the commands print, each line an answer of the API."""
    done = subprocess.run(
        ["sh", "-eu", "-c", story],
        cwd=folder,
        env={**os.environ, "PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def ticket_of(answers: list[dict[str, Any]]) -> dict[str, Any]:
    [ticket] = [said for said in answers if "status" in said]
    return ticket
