"""The machine is worth its time: each bug sown into the real code is found, by what is named.

Where the database itself refuses the bug's work that is a find too, and the bug is sown again with
that constraint taken away.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.dispatch.model.bugs import BUGS, sown
from tests.dispatch.model.machine import Dispatch
from tests.dispatch.model.world import Broken, set_session, wipe

#: The same examples each time, until one finds it.
HUNT = settings(
    max_examples=300,
    stateful_step_count=30,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@pytest.mark.model
@pytest.mark.parametrize("name", BUGS)
@pytest.mark.django_db(transaction=True)
def test_a_bug_is_found(name: str, no_worker: None) -> None:
    bug = BUGS[name]

    with without(bug.without), sown(bug.changes), pytest.raises(Exception) as found:  # noqa: PT011
        run_state_machine_as_test(Dispatch, settings=HUNT)

    assert any(re.search(bug.found_by, why) for why in whys(found.value)), whys(found.value)


def whys(found: BaseException) -> list[str]:
    """What was found; more than one when a second run of the same steps found something else."""
    if isinstance(found, BaseExceptionGroup):
        return [why for one in found.exceptions for why in whys(one)]
    assert isinstance(found, (Broken, IntegrityError)), found
    return [str(found)]


@contextmanager
def without(constraint: str) -> Iterator[None]:
    """This constraint is not there meanwhile; what broke it is wiped away."""
    if not constraint:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conname = %s",
            [constraint],
        )
        table, definition = cursor.fetchone()
    set_session(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    try:
        yield
    finally:
        wipe()
        set_session(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}")
