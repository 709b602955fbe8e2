"""The architecture beside the layers of pyproject.toml: clock, listeners, names and sizes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
#: The edges of the product: only they read the clock. The domain is told `at`.
EDGES = {
    "api", "urls", "views", "consumers", "routing", "admin", "tasks", "receivers", "apps",
    "desk", "management", "templatetags", "metrics",
}  # fmt: skip
#: Domain modules that read the clock, and say why where they do.
ON_THEIR_OWN_TIME = {"tickets.events.outbox", "dispatch.scheduler"}
#: What the rules may import beside one another: no I/O, no clock, no framework.
PURE = {
    "collections", "dataclasses", "datetime", "decimal", "functools", "math", "numpy", "scipy",
    "statistics", "typing", "uuid", "zlib",
}  # fmt: skip
FORBIDDEN = {"manager", "helper", "util", "utils", "handler", "processor", "data", "info"} | {
    "do",
    "process",
    "service",
    "services",
    "common",
    "thing",
    "told",
}
#: Names a framework calls us by.
GIVEN_NAMES = {
    "text_data",
    "bytes_data",
    "get_context_data",
    "cleaned_data",
    "handle_data",
    "get_changeform_initial_data",
}


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def names(path: Path) -> Iterator[str]:
    """Every name a file gives: its own, of functions, classes, parameters and variables."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_the_rules_import_nothing_with_a_clock_or_io() -> None:
    graph = grimp.build_graph("dispatch", "agents", include_external_packages=True)
    rules = {"agents.pay.quotes", *graph.find_children("dispatch.rules")}

    strays = {
        module: sorted(outside)
        for module in rules
        if (outside := graph.find_modules_directly_imported_by(module) - rules - PURE)
    }

    assert strays == {}


def test_only_receivers_listen() -> None:
    listeners = {
        module_of(path)
        for path in sources("agents", "tickets", "dispatch")
        if re.search(r"from django\.dispatch import .*\breceiver\b", path.read_text())
    }

    assert listeners == {"dispatch.receivers"}


def test_only_edges_read_the_clock() -> None:
    readers = {
        module_of(path)
        for path in sources("agents", "tickets", "dispatch")
        if not EDGES & set(module_of(path).split("."))
        and re.search(r"\bclock\.now\(|timezone\.now\(|datetime\.now\(", path.read_text())
    }

    assert readers == ON_THEIR_OWN_TIME


def test_an_app_says_in_its_first_line_which_side_it_is_on() -> None:
    charters = [
        ast.get_docstring(ast.parse((ROOT / app / "__init__.py").read_text())) or ""
        for app in ("agents", "tickets", "dispatch")
    ]

    assert [charter.split(":")[0] for charter in charters] == [
        "SUPPLY",
        "DEMAND",
        "WHERE THEY MEET",
    ]


def test_no_name_says_nothing() -> None:
    empty = {
        f"{module_of(path)}: {name}"
        for path in sources("agents", "tickets", "dispatch")
        for name in names(path)
        if words(name) & FORBIDDEN and name not in GIVEN_NAMES
    }

    assert empty == set()


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): length
        for path in sources("agents", "tickets", "dispatch", "config")
        if (length := len(path.read_text().splitlines())) > 300
    }

    assert long == {}


def test_no_function_takes_more_than_twenty_steps() -> None:
    """A call written over many lines is one step."""
    long = [
        f"{module_of(path)}.{node.name}"
        for path in sources("agents", "tickets", "dispatch", "config")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and sum(isinstance(one, ast.stmt) for one in ast.walk(node)) > 20
    ]

    assert long == []
