"""The admin's base of supply and of demand are copies: the two apps may share no code.

Each app must be usable without the other, and a third app for a hundred lines would be one that
both import. The copies may differ in the names of the classes and of the refusals only.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SUPPLY, DEMAND = ROOT / "agents/admin/base.py", ROOT / "tickets/admin/base.py"
RENAMED = {"DemandAdmin": "SupplyAdmin", "DemandRecordAdmin": "SupplyRecordAdmin"}
RENAMED |= {"TicketError": "AgentError"}


def definitions(path: Path, renamed: dict[str, str]) -> dict[str, str]:
    """The source of each class and function of a file, without comments and layout."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = renamed.get(node.id, node.id)
        elif isinstance(node, ast.ClassDef):
            node.name = renamed.get(node.name, node.name)
    return {
        node.name: ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


@pytest.mark.parametrize(
    "name", ["SupplyAdmin", "SupplyRecordAdmin", "add_name", "instant_column", "format_instant"]
)
def test_both_copies_of_a_definition_are_the_same(name: str) -> None:
    assert definitions(SUPPLY, {})[name] == definitions(DEMAND, RENAMED)[name]


def test_every_definition_that_both_have_is_compared() -> None:
    both = definitions(SUPPLY, {}).keys() & definitions(DEMAND, RENAMED).keys()

    assert both == {
        "SupplyAdmin",
        "SupplyRecordAdmin",
        "add_name",
        "instant_column",
        "format_instant",
    }
