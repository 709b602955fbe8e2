"""The injected changes fit the code: each text they replace is still there."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.chaos.injected import code_changes

INJECTED = [
    (module, words, instead)
    for changes in (code_changes.CRASHES, *code_changes.BUGS.values())
    for module, pairs in changes.items()
    for words, instead in pairs
]


@pytest.mark.parametrize(("module", "words", "instead"), INJECTED)
def test_text_is_in_its_module_once_and_its_replacement_is_python(
    module: str, words: str, instead: str
) -> None:
    spec = find_spec(module)

    assert spec
    assert spec.origin
    source = Path(spec.origin).read_text()
    assert source.count(words) == 1
    ast.parse(source.replace(words, instead))


def test_status_condition_is_in_the_statement_once() -> None:
    from tickets import lifecycle

    assert lifecycle.BEGIN.count("AND status = 'queued'") == 1


def test_each_bug_lists_the_constraints_that_would_hide_it() -> None:
    assert code_changes.WITHOUT.keys() == code_changes.BUGS.keys()
