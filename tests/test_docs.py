"""The documents are true: what they name is there, and what is there they name."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from agents.models import Agent, Presence
from dispatch.models import Assignment, Offer
from dispatch.urls import urlpatterns as where_they_meet
from tickets.errors import TicketError
from tickets.models import Ticket
from tickets.urls import urlpatterns as demand

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LONGEST_README = 120
APPS = ("agents", "tickets", "dispatch")

STATUSES = {
    str(label)
    for choices in (
        Ticket.Status,
        Offer.Status,
        Assignment.Ending,
        Agent.Status,
        Presence.Status,
    )
    for label in choices.labels
}
#: `path/to/file.py` or `folder/`; what has a space, a star or a leading slash is no path of ours.
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:md|py|toml|svg|png))`")
#: Refusals of calls the API does not have: an agent's, a coordinator's.
NEVER_BY_THE_API = {"ticket_not_waiting", "ticket_not_active", "unsafe_url"}
#: Folders whose files are made when the platform runs.
MADE = (".data/", ".venv/")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
ENVIRONMENT = re.compile(r"""(?:environ(?:\.get\(|\[)|flag\(|listed\()\s*["']([A-Z_]+)["']""")


def read(page: Path) -> str:
    return page.read_text()


def named(page: Path) -> str:
    """How a test names a page."""
    return str(page.relative_to(ROOT))


def paths_in(page: Path) -> list[str]:
    return [path for path in PATH.findall(read(page)) if not path.startswith(MADE)]


def is_there(path: str, *, page: Path) -> bool:
    """Whether it exists below the checkout, beside the page, or in an app the sentence names."""
    starts = [ROOT, page.parent, *(ROOT / app for app in APPS)]
    return any((start / path).exists() for start in starts)


def modules(name: str) -> list[Path]:
    return [path for app in APPS for path in (ROOT / app).rglob(f"{name}.py")]


def anchors(page: Path) -> set[str]:
    """The addresses of its headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def product() -> list[Path]:
    """The sources of what runs, tests left out."""
    return [
        path
        for folder in ("config", *APPS, "examples")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    ]


def variables() -> set[str]:
    found = {name for path in product() for name in ENVIRONMENT.findall(read(path))}
    return found - {"DJANGO_SETTINGS_MODULE"}


def test_the_readme_is_short() -> None:
    assert len(read(README).splitlines()) <= LONGEST_README


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_the_glossary_names_every_status(status: str) -> None:
    assert f"*{status}*".lower() in read(DOCS / "glossary.md").lower()


def test_a_word_stands_in_the_glossary_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", read(DOCS / "glossary.md"), re.MULTILINE)
    words = [word for row in rows if row != "word" for word in row.split(", ")]

    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize(
    "model",
    sorted(model.__name__ for app in APPS for model in apps.get_app_config(app).get_models()),
)
def test_the_glossary_names_every_model(model: str) -> None:
    assert f"`{model}`" in read(DOCS / "glossary.md")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_class_a_page_names_exists(page: Path) -> None:
    """As `WaveSnapshot`; a word of one hump may be a sentence's."""
    classes = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", read(page)))
    defined = {name for path in product() for name in re.findall(r"^class (\w+)", read(path), re.M)}

    assert classes - defined == set()


@pytest.mark.parametrize(
    "route", sorted({str(pattern.pattern) for pattern in [*demand, *where_they_meet]})
)
def test_the_api_table_names_every_address(route: str) -> None:
    address = f"/api/v1/{route.replace('<uuid:ticket_id>', '{id}')}`"

    assert address in read(DOCS / "api.md")


def test_the_api_page_names_every_refusal() -> None:
    raised = {error.code for error in TicketError.__subclasses__()} - NEVER_BY_THE_API

    assert {code for code in raised if f"`{code}`" not in read(DOCS / "api.md")} == set()


def test_the_api_page_names_every_event() -> None:
    sources = "\n".join(read(path) for path in (ROOT / "tickets").rglob("*.py"))
    sent = set(re.findall(r'"((?:ticket|message)\.[a-z_]+)"', sources))

    assert sent == set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", read(DOCS / "api.md"), re.M))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_a_page_names_exists(page: Path) -> None:
    missing = [path for path in paths_in(page) if not is_there(path, page=page)]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_verb_a_page_names_exists(page: Path) -> None:
    """As `offers.accept`: a function of a module of that name."""
    verbs = re.findall(r"`([a-z_]+)\.([a-z_]+)`", read(page))
    missing = [
        f"{module}.{name}"
        for module, name in verbs
        if (sources := modules(module))
        and not any(re.search(rf"^def {name}\b", read(path), re.M) for path in sources)
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(read(page)):
        path, _hash, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if link.startswith(("http://", "https://")):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_a_page_names_exists(page: Path) -> None:
    makefile = read(ROOT / "Makefile")
    targets = set(re.findall(r"`(?:[A-Z]+=\S+ )?make ([a-z-]+)", read(page)))

    assert {name for name in targets if not re.search(rf"^{name}:", makefile, re.M)} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_a_page_names_exists(page: Path) -> None:
    commands = set(re.findall(r"`(?:python )?manage\.py ([a-z_]+)", read(page)))

    assert commands - set(get_commands()) == set()


@pytest.mark.parametrize("page", [README, DOCS / "performance.md"], ids=named)
def test_a_page_shows_pictures(page: Path) -> None:
    """That they exist is held with the links."""
    assert re.findall(r"!\[[^]]+\]\([^)]+\)", read(page))


@pytest.mark.parametrize(
    "folder",
    sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] not in "._"),
)
def test_the_map_names_every_folder(folder: str) -> None:
    assert f"| `{folder}/` |" in read(README)


@pytest.mark.parametrize(
    "folder",
    sorted(
        path.name for path in (ROOT / "dispatch").iterdir() if path.is_dir() and path.name[0] != "_"
    ),
)
def test_the_architecture_names_every_folder_of_dispatch(folder: str) -> None:
    assert f"`dispatch/{folder}/`" in read(DOCS / "architecture.md")


def test_the_architecture_names_all_that_the_clock_does() -> None:
    due = set(re.findall(r"lambda at: (\w+\.\w+)\(", read(ROOT / "dispatch/scheduler.py")))
    named = set(re.findall(r"\| `(\w+\.\w+)` \|$", read(DOCS / "architecture.md"), re.M))

    assert due
    assert due == named


def test_the_readme_leads_to_every_document() -> None:
    links = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(read(README))}

    assert {page for page in DOCS.glob("*.md") if page not in links} == set()


def test_the_list_of_decisions_names_each_by_its_title() -> None:
    listed = dict(re.findall(r"\[(.+?)\]\((\d{3}-\S+\.md)\)", read(DOCS / "decisions/README.md")))
    titles = {
        read(page).splitlines()[0].partition(" ")[2].partition(" ")[2]: page.name
        for page in sorted((DOCS / "decisions").glob("[0-9]*.md"))
    }

    assert listed == titles


def test_every_variable_the_product_reads_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z_]{4,})`", read(DOCS / "operations.md")))

    assert variables()
    assert variables() - explained == set()


def test_every_metric_is_explained() -> None:
    source = read(ROOT / "dispatch/operations/metrics.py")
    page = read(DOCS / "operations.md")

    assert {name for name in re.findall(r'"(releve_\w+)"', source) if name not in page} == set()


def test_every_check_of_readiness_is_explained() -> None:
    checks = set(re.findall(r'^        "(\w+)": \{"ok"', read(ROOT / "config/readiness.py"), re.M))
    checks |= set(re.findall(r'\{"(\w+)": \{"ok": True', read(ROOT / "config/readiness.py")))

    assert len(checks) == 4
    assert checks == set(re.findall(r"^\| `([a-z]+)` \| ", read(DOCS / "operations.md"), re.M))
