"""Routing is by rules: no weight is fitted to data, of a person or of any other kind.

The weights are constants of the code, or numbers a coordinator entered in a form. So matching does
not allocate tasks by individual behaviour, in the sense of the AI Act, Annex III 4(b). Each test
holds one part of that, and `VIOLATIONS` shows that the source checks find violations.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import get_type_hints
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from dispatch.admin.policies import PolicyVersionAdmin
from dispatch.explanations import rulebook
from dispatch.models import PolicyVersion
from dispatch.models.policies import COSTS
from dispatch.rules.policy import FreeAgent, Policy, verdict
from tests import factories
from tests.dispatch.cases import NOON, POLICY, Case, cases

ROOT = Path(__file__).parents[3]
#: Where weights are defined, stored, chosen and used.
RULES = [
    ROOT / "dispatch" / name
    for name in (
        "rules/policy.py",
        "rules/rating_bound.py",
        "rules/matching.py",
        "policies.py",
        "models/policies.py",
    )
]
#: The only file that may publish a version: the coordinators' form.
PUBLISHERS = {"dispatch/admin/policies.py"}
#: The only scipy functions allowed: the assignment solver and the Poisson tail.
ALLOWED = {"scipy.optimize": {"linear_sum_assignment"}, "scipy.special": {"pdtrc"}}
FITTING = {"sklearn", "torch", "statsmodels", "xgboost", "lightgbm", "pandas", "joblib", "pickle"}
FITS = {"polyfit", "lstsq", "curve_fit", "minimize", "least_squares", "linregress", "fit"}
#: Modules with rows about people. The rules import none of them.
ABOUT_PEOPLE = {"agents", "dispatch.ratings", "dispatch.affinity", "tickets.reviews"}
#: The trigger of a version: it refuses changes and reads nothing.
HARMLESS = {"agents.models.triggers"}
DATED = {"version", "valid_from", "note", "created_at"}


def list_imports(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", {alias.name for alias in node.names}


def find_violations(source: str) -> list[str]:
    """The parts of a source that would fit a weight or read one from rows about people."""
    tree = ast.parse(source)
    found = []
    for module, names in list_imports(tree):
        top = module.split(".")[0]
        if module in HARMLESS:
            continue
        if top in FITTING or any(module.split(".")[: each.count(".") + 1] == each.split(".")
                                 for each in ABOUT_PEOPLE):  # fmt: skip
            found.append(f"imports {module}")
        if top == "scipy" and not (names and names <= ALLOWED.get(module, set())):
            found.append(f"imports {module}: {sorted(names)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FITS:
            found.append(f"calls {node.attr}")
    return found


VIOLATIONS = [
    "from scipy.optimize import minimize",
    "from scipy.optimize import linear_sum_assignment, curve_fit",
    "from scipy import stats",
    "import scipy.optimize",
    "from sklearn.linear_model import LogisticRegression",
    "def learn(x, y):\n    return numpy.polyfit(x, y, 1)",
    "from agents.models import Agent",
    "def weight(agent):\n    from dispatch.ratings import of\n    return of(agent)",
]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_rule_imports_a_fitting_library_or_rows_about_people(path: Path) -> None:
    assert find_violations(path.read_text()) == []


@pytest.mark.parametrize("source", VIOLATIONS)
def test_the_source_check_finds_each_violation(source: str) -> None:
    assert find_violations(RULES[0].read_text() + "\n" + source) != []


def find_literal_settings(source: str) -> dict[str, bool]:
    """Each setting of the policy, and whether its default is a literal number."""
    [policy] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Policy"
    ]
    return {
        node.target.id: node.value is not None and _is_number(node.value)
        for node in policy.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _is_number(value: ast.expr) -> bool:
    if isinstance(value, ast.Tuple):
        return all(_is_number(one) for one in value.elts)
    return isinstance(value, ast.Constant) and type(value.value) is int


def test_the_default_of_every_setting_is_a_literal_number() -> None:
    written = find_literal_settings(RULES[0].read_text())

    assert written == dict.fromkeys((each.name for each in fields(Policy)), True)


@pytest.mark.parametrize("setting", ["scarce: int = learned()", "scarce: int = 100 + DRIFT"])
def test_a_computed_setting_is_found(setting: str) -> None:
    source = RULES[0].read_text().replace("scarce: int = 150", setting)

    assert find_literal_settings(source)["scarce"] is False


def test_no_setting_is_keyed_by_a_person() -> None:
    kinds = set(get_type_hints(Policy).values())

    assert kinds == {int, tuple[int, ...]}


def test_a_policy_version_has_no_relation_to_people() -> None:
    relations = [each.name for each in PolicyVersion._meta.get_fields() if each.is_relation]
    columns = {each.attname for each in PolicyVersion._meta.concrete_fields}

    assert relations == ["decisions"]
    assert columns - DATED == {each.name for each in fields(Policy)} - {"version"}


def test_no_model_has_a_weight_per_person() -> None:
    about = {"agent", "user", "customer_ref"}
    columns = {model: [each.name for each in model._meta.fields] for model in apps.get_models()}

    found = [
        f"{model._meta.label}.{name}"
        for model, names in columns.items()
        for name in names
        if about & {*names} and re.search("weight|point|penalt|boost|factor", name)
    ]

    assert found == []


@given(cases(), st.uuids())
def test_two_agents_alike_in_all_but_their_id_cost_the_same(case: Case, other: UUID) -> None:
    for ticket in case.tickets:
        stranger = replace(
            ticket,
            known_by=frozenset(),
            timed_out_by=frozenset(),
            blocked=frozenset(),
            declined_by=frozenset(),
            offered_to=frozenset(),
        )
        for agent in case.agents:
            twin = replace(agent, id=other)
            first, second = (
                verdict(stranger, one, policy=POLICY, at=NOON) for one in (agent, twin)
            )
            assert first == second


def test_every_weight_has_a_published_reason() -> None:
    reasons = {name: rulebook.explain_cost(name, Policy()) for name in COSTS}

    assert {*COSTS} <= {each.name for each in fields(Policy)}
    assert [name for name, reason in reasons.items() if len(str(reason)) < 20] == []
    assert len(set(reasons.values())) == len(COSTS)
    assert rulebook.PARTS.keys() == set(COSTS)
    assert rulebook.INPUTS.keys() == {each.name for each in fields(FreeAgent)}


def find_publishers(folder: Path, root: Path) -> set[str]:
    """The files that publish a version, or write one in another way."""
    marks = ("policies.publish(", "PolicyVersion.objects.create(", "PolicyVersion.objects.bulk_")
    return {
        str(path.relative_to(root))
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts and any(mark in path.read_text() for mark in marks)
    }


def test_only_the_coordinators_form_publishes_a_version() -> None:
    found = {name for app in ("agents", "tickets", "dispatch", "config")
             for name in find_publishers(ROOT / app, ROOT)}  # fmt: skip

    assert found == PUBLISHERS


def test_a_task_that_publishes_a_version_is_found(tmp_path: Path) -> None:
    task = tmp_path / "dispatch" / "tasks.py"
    task.parent.mkdir()
    task.write_text("def tune() -> None:\n    policies.publish(draft, at=now)\n")

    assert find_publishers(tmp_path, tmp_path) == {"dispatch/tasks.py"}


@pytest.mark.django_db
def test_only_a_named_coordinator_may_use_the_form(rf: RequestFactory, noon: datetime) -> None:
    form = PolicyVersionAdmin(PolicyVersion, admin.site)
    request = rf.get("/")
    request.user = factories.make_agent().user

    assert not form.has_add_permission(request)
    with pytest.raises(PermissionDenied):
        form.add_view(request)
    request.user = factories.make_coordinator("cora")
    assert form.has_add_permission(request)
