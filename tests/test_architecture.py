"""The architecture, read from the source: who may import whom, and which words are not used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = {"agents", "tickets", "dispatch", "config", "tests"}
MAY_IMPORT = {
    "agents": {"agents"},
    "tickets": {"tickets"},
    "dispatch": {"dispatch", "agents", "tickets"},
    "config": {"config", "dispatch", "agents", "tickets"},
}
#: Inside an app, from the bottom up. What isn't named here is a domain noun.
BOTTOM = {"errors": 0, "signals": 0, "quality": 0, "policy": 0, "models": 1}
NOUN, EDGE = 2, 3
EDGES = {"api", "urls", "views", "consumers", "routing", "admin", "tasks", "receivers", "apps"}
EDGES |= {"metrics"}
EDGE_PACKAGES = {"desk", "admin", "management", "templatetags"}
FORBIDDEN = {"manager", "helper", "util", "utils", "handler", "processor", "data", "info"} | {
    "do",
    "process",
    "service",
    "services",
    "common",
}
#: Names a framework calls us by.
GIVEN_NAMES = {
    "text_data",
    "bytes_data",
    "get_context_data",
    "cleaned_data",
    "get_changeform_initial_data",
}


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def imports(path: Path) -> set[str]:
    """The dotted names a file imports when it runs; what only types need is left out."""
    return set(_imports(ast.parse(path.read_text()).body))


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{one.name}" for one in node.names)


def rank(module: str) -> int:
    """How far up a module of an app is: errors and signals, models, nouns, edges."""
    _app, *parts = module.split(".")
    if not parts:
        return 0
    if parts[0] in EDGE_PACKAGES or parts[0] in EDGES:
        return EDGE
    return BOTTOM.get(parts[0], NOUN)


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


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_an_app_imports_only_what_is_below_it(app: str) -> None:
    strays = {
        str(path.relative_to(ROOT)): sorted(above)
        for path in sources(app)
        if (above := {name.split(".")[0] for name in imports(path)} & APPS - MAY_IMPORT[app])
    }

    assert strays == {}


@pytest.mark.parametrize("app", ["agents", "tickets", "dispatch"])
def test_inside_an_app_nothing_imports_what_is_above_it(app: str) -> None:
    strays = {
        module_of(path): upward
        for path in sources(app)
        if (
            upward := sorted(
                name
                for name in imports(path)
                if name.split(".")[0] == app and rank(name) > rank(module_of(path))
            )
        )
    }

    assert strays == {}


def test_the_rules_themselves_know_the_standard_library_numpy_and_scipy_only() -> None:
    rules = [f"dispatch/{name}.py" for name in ("quality", "policy", "matching")]
    known = {"collections", "dataclasses", "datetime", "decimal", "math", "typing", "uuid", "zlib"}
    known |= {"numpy", "scipy", "dispatch.rules.rating_bound", "dispatch.rules.policy"}

    strays = {
        path: sorted(name for name in imports(ROOT / path) if not within(name, known))
        for path in (*rules, "agents/pay/quotes.py")
    }

    assert {path: names for path, names in strays.items() if names} == {}


def test_days_are_played_without_a_database() -> None:
    known = {"collections", "csv", "dataclasses", "datetime", "functools", "heapq", "itertools"}
    known |= {"math", "random", "typing", "uuid", "numpy", "scipy", "dispatch.simulation"}
    known |= {"dispatch.rules.matching", "dispatch.rules.policy", "dispatch.waves.snapshot_query"}

    strays = {
        module_of(path): [
            name for name in imports(path) if name != "dispatch" and not within(name, known)
        ]
        for path in sources("dispatch/simulation")
    }

    assert {module: names for module, names in strays.items() if names} == {}


def within(name: str, known: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in known)


def test_the_estimate_of_a_wait_knows_only_numbers() -> None:
    known = {"collections", "dataclasses", "functools", "math", "numpy", "statistics", "typing"}

    assert {
        name.split(".")[0] for name in imports(ROOT / "dispatch/rules/wait_simulation.py")
    } <= known


def test_the_domain_never_sees_celery() -> None:
    may = {"dispatch.realtime.notifier", "dispatch.realtime.background_engine"}
    may |= {"dispatch.tasks", "tickets.tasks"}
    seen = {
        module_of(path)
        for path in sources("agents", "tickets", "dispatch")
        if any(name.split(".")[0] == "celery" for name in imports(path))
    }

    assert seen <= may


def test_only_receivers_and_the_news_give_hints() -> None:
    givers = {
        module_of(path)
        for path in sources("agents", "tickets", "dispatch")
        if "dispatch.realtime.notifier" in imports(path)
    }

    assert givers == {
        "dispatch.receivers",
        "dispatch.realtime.push",
        "dispatch.realtime.refresh",
    }


def test_only_receivers_listen() -> None:
    listeners = {
        module_of(path)
        for path in sources("agents", "tickets", "dispatch")
        if "django.dispatch.receiver" in imports(path)
    }

    assert listeners == {"dispatch.receivers"}


def test_only_edges_read_the_clock() -> None:
    """The domain is told `at`; a few files say why they ask the database themselves."""
    may = {"tickets.events.outbox", "dispatch.scheduler"}
    readers = {
        module_of(path)
        for path in sources("agents", "tickets", "dispatch")
        if rank(module_of(path)) < EDGE
        and re.search(r"\bclock\.now\(|timezone\.now\(|datetime\.now\(", path.read_text())
    }

    assert readers <= may


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
        if (length := len(path.read_text().splitlines())) > 310
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
