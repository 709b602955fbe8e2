"""Values of command-line arguments, refused with a sentence and before any work begins."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Any

from django.utils.dateparse import parse_datetime


def number(kind: Callable[[str], Any], *, least: float, most: float = inf) -> Callable[[str], Any]:
    """Build the `type` of an argument: an int or a float from `least` to `most`, never NaN."""

    def parse(written: str) -> Any:
        try:
            found = kind(written)
        except ValueError:
            raise ArgumentTypeError(f"{written} is not a number") from None
        if not least <= found <= most or found == inf:
            bounds = f"at least {least:g}" if most == inf else f"from {least:g} to {most:g}"
            raise ArgumentTypeError(f"{written} must be {bounds}")
        return found

    return parse


def moment(written: str) -> datetime:
    """A date or a time, in UTC unless it names a zone."""
    try:
        found = parse_datetime(written) or datetime.fromisoformat(written)
    except ValueError:
        raise ArgumentTypeError(
            f"{written} is not a date or time: write 2026-11-22T12:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def slug(written: str) -> str:
    """The code of a client: lower-case letters, digits and hyphens."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", written):
        raise ArgumentTypeError(f"{written} is not a code: write kantonbank")
    return written
