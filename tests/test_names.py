"""Names and sentences of the source: a name means one thing, a sentence begins with a subject."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("agents", "tickets", "dispatch", "config")
WRITTEN = (*APPS, "benchmarks", "tests")

#: A class that a framework finds by its name: each command has one.
FRAMEWORK_CLASSES = {"Command"}
#: In these folders a file is named after what it is about: models/offers.py, admin/offers.py.
PARALLEL_FOLDERS = {"models", "admin", "views", "migrations", "commands"}
#: Names that a framework looks for, so each app has one: Django (apps, urls, views), Celery
#: (tasks), Python. `errors` and `signals` are the parts that an app offers to the others.
SHARED_STEMS = {
    "__init__",
    "__main__",
    "apps",
    "urls",
    "views",
    "tasks",
    "errors",
    "signals",
}

BANNED_OPENINGS = re.compile(
    r"(Whoever|What is|What was|Somebody|Those who|Who is|None:)(?![\w])", re.IGNORECASE
)


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def repeated(named: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """The names that occur in more than one place, with the places."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, place in named:
        places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def public_classes() -> Iterator[tuple[str, str]]:
    """The classes of a module; a nested class such as Meta is named by its outer class."""
    for path in sources(*APPS):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, relative(path)


def stems() -> Iterator[tuple[str, str]]:
    for path in sources(*APPS):
        if not PARALLEL_FOLDERS & {*path.relative_to(ROOT).parts[:-1]}:
            yield path.stem, relative(path)


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each docstring and of each block of comments."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""
    with path.open("rb") as file:
        above = 0
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                if token.start[0] != above + 1:
                    yield token.start[0], token.string.lstrip("#: ")
                above = token.start[0]


def banned(path: Path) -> list[str]:
    return [
        f"{relative(path)}:{line}: {text.splitlines()[0]}"
        for line, text in sentences(path)
        if BANNED_OPENINGS.match(text)
    ]


def test_no_public_class_has_the_name_of_another() -> None:
    found = repeated(public_classes())

    assert {name: places for name, places in found.items() if name not in FRAMEWORK_CLASSES} == {}


def test_no_file_has_the_name_of_another() -> None:
    found = repeated(stems())

    assert {stem: places for stem, places in found.items() if stem not in SHARED_STEMS} == {}


def test_a_docstring_or_comment_begins_with_its_subject() -> None:
    assert [line for path in sources(*WRITTEN) for line in banned(path)] == []


@pytest.mark.parametrize(
    "text", ["Whoever asks.", "What is due.", "Those who wait.", "None: never.", "somebody asks"]
)
def test_a_banned_opening_is_found(text: str, tmp_path: Path) -> None:
    assert BANNED_OPENINGS.match(text)


@pytest.mark.parametrize("text", ["The agent accepts.", "Whatever falls due.", "None when gone."])
def test_other_openings_are_not(text: str) -> None:
    assert not BANNED_OPENINGS.match(text)
