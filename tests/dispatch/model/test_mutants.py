"""The machine is worth its time: each bug sown into the real code is found, by what is named.

Where the database itself refuses the bug's work that is a find too, and the bug is sown again with
that constraint taken away. Each bug is met by a story in the machine's own steps, which finds
nothing in the code as it is: chance finds most of them too, 22 of 25 within 200 plays each.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection

from tests.dispatch.model.bugs import BUGS, Story, sown
from tests.dispatch.model.machine import Dispatch
from tests.dispatch.model.world import Broken, set_session, wipe

pytestmark = [pytest.mark.model, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_found_where_its_story_leads_and_nothing_else_is(
    name: str, no_worker: None
) -> None:
    bug = BUGS[name]

    play(bug.story)
    with (
        without(bug.without),
        sown(bug.changes),
        pytest.raises((Broken, IntegrityError), match=bug.found_by),
    ):
        play(bug.story)


def play(story: Story) -> None:
    """One step after the other, each looked at."""
    machine = Dispatch()
    try:
        for name, given in story:
            getattr(machine, name)(**given)
            machine.nothing_is_broken()
    finally:
        machine.teardown()


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
