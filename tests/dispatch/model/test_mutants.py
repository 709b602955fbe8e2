"""Mutation tests of the state machine: each bug put into the real code is found, and by what.

A constraint of the database may find it. Then the bug is tried again without that constraint. Each
bug has a story in the machine's own steps, which finds nothing in the unchanged code. Random runs
find most of them too: 22 of 25 within 200 runs each.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection

from tests.dispatch.model.bugs import BUGS, Story, apply_bug
from tests.dispatch.model.machine import Dispatch
from tests.dispatch.model.world import Broken, set_session, wipe

pytestmark = [pytest.mark.model, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("name", BUGS)
def test_a_bugs_story_finds_it_and_finds_nothing_in_the_real_code(
    name: str, no_worker: None
) -> None:
    bug = BUGS[name]

    run_story(bug.story)
    with (
        drop_constraint(bug.without),
        apply_bug(bug.changes),
        pytest.raises((Broken, IntegrityError), match=bug.found_by),
    ):
        run_story(bug.story)


def run_story(story: Story) -> None:
    """Run the steps of a story and check the invariants after each."""
    machine = Dispatch()
    try:
        for name, given in story:
            getattr(machine, name)(**given)
            machine.check_rows()
    finally:
        machine.teardown()


@contextmanager
def drop_constraint(constraint: str) -> Iterator[None]:
    """Drop a constraint for a while; the rows that break it are deleted before it is restored."""
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
