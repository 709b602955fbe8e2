"""The changes of a chaos run fit the code as it is: a text that is gone could not be replaced."""

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
def test_each_text_is_in_its_module_once_and_what_replaces_it_is_python(
    module: str, words: str, instead: str
) -> None:
    spec = find_spec(module)

    assert spec
    assert spec.origin
    source = Path(spec.origin).read_text()
    assert source.count(words) == 1
    ast.parse(source.replace(words, instead))


def test_the_bug_that_forgets_the_status_takes_it_from_the_statement() -> None:
    from tickets import lifecycle

    assert lifecycle.BEGIN.count("AND status = 'queued'") == 1


def test_each_bug_says_which_constraints_would_hide_it() -> None:
    assert code_changes.WITHOUT.keys() == code_changes.BUGS.keys()
