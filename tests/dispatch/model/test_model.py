"""The state machine finds no broken invariant.

`RELEVE_MODEL_RUNS=500 make test ARGS=tests/dispatch/model/test_model.py` runs longer. A failing
example is printed as a script of steps.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.dispatch.model.machine import Dispatch

RUNS = int(os.environ.get("RELEVE_MODEL_RUNS", "15"))
STEPS = 30


@pytest.mark.model
@pytest.mark.django_db(transaction=True)
def test_the_invariants_hold_after_any_sequence_of_steps(no_worker: None) -> None:
    run_state_machine_as_test(
        Dispatch,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
