"""The README names what there is: statuses, addresses, folders, targets, pictures."""

import re
from pathlib import Path

import pytest

from agents.models import Agent, Presence
from dispatch.models import Assignment, Offer
from dispatch.urls import urlpatterns as where_they_meet
from tickets.models import Ticket
from tickets.urls import urlpatterns as demand

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
STATUSES = {
    label
    for choices in (
        Ticket.Status,
        Offer.Status,
        Assignment.Ending,
        Agent.Status,
        Presence.Status,
    )
    for label in choices.labels
}
FOLDERS = [path.parent.name for path in ROOT.glob("*/__init__.py")]


@pytest.mark.parametrize("status", sorted(map(str, STATUSES)))
def test_the_glossary_names_every_status(status: str):
    assert f"*{status}*" in README


@pytest.mark.parametrize(
    "route", sorted({str(pattern.pattern) for pattern in [*demand, *where_they_meet]})
)
def test_the_api_table_names_every_address(route: str):
    assert f"/api/v1/{route.replace('<uuid:ticket_id>', '{id}')}`" in README


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_names_every_folder(folder: str):
    assert f"`{folder}/`" in README


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)`", README))
def test_the_makefile_has_every_target_the_readme_names(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_picture_of_the_readme_is_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)

    assert pictures
    assert [name for name in pictures if not (ROOT / name).exists()] == []
