"""Odd values of command-line arguments are refused with a sentence, and nothing begins."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from dispatch.management.arguments import moment, number, slug


@pytest.mark.parametrize("written", ["nan", "inf", "-1", "11", "soon", ""])
def test_a_number_outside_its_bounds_is_refused(written: str) -> None:
    with pytest.raises(ArgumentTypeError):
        number(float, least=0, most=10)(written)


@pytest.mark.parametrize("written", ["nan", "inf", "-0.1"])
def test_a_number_without_an_upper_bound_is_still_a_number(written: str) -> None:
    with pytest.raises(ArgumentTypeError):
        number(float, least=0)(written)


def test_a_number_within_its_bounds_is_returned() -> None:
    assert (number(int, least=1)("7"), number(float, least=0, most=1)("0.5")) == (7, 0.5)


@pytest.mark.parametrize("written", ["2026-02-30", "99999-01-01", "yesterday"])
def test_a_moment_that_does_not_exist_is_refused(written: str) -> None:
    with pytest.raises(ArgumentTypeError):
        moment(written)


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert moment("2026-11-22T12:00") == datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("written", ["Bad/slug", "", "-x", "x" * 41])
def test_a_code_of_a_client_is_a_slug(written: str) -> None:
    with pytest.raises(ArgumentTypeError):
        slug(written)


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("replay", "--last=0"),
        ("replay", "--since=2026-02-30"),
        ("simulate_day", "--contractors=0"),
        ("simulate_day", "--first-seed=-1"),
        ("simulate_load", "--rate=nan"),
        ("scheduler", "--every=nan"),
        ("scheduler", "--metrics-port=99999"),
    ],
)
def test_a_command_refuses_an_odd_argument_before_it_begins(command: str, argument: str) -> None:
    with pytest.raises(CommandError, match="argument --"):
        call_command(command, argument)
