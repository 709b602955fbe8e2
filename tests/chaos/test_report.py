"""The report: a row for each fault as it was last, with a verdict no better than the facts."""

from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.__main__ import CODES
from tests.chaos.checker import Finding
from tests.chaos.scenario import Outcome

COUNTS = {"escalations": 3, "messages": 2, "payments": 1, "webhooks": 4}


def outcome(code: str = "F1", **given: object) -> Outcome:
    facts = {"recovered_s": 3.0, "bound_s": 15.0, "counts": {**COUNTS}, **given}
    return Outcome(code, "a fault", **facts)


def test_where_nothing_is_amiss_the_verdict_is_good() -> None:
    assert outcome().good


@pytest.mark.parametrize(
    "amiss",
    [
        {"recovered_s": 15.1},
        {"longest_wait_s": 20.5, "outage_s": 20.0},
        {"findings": [Finding("lost", "a message")]},
        {"broken": [("s1", "ticket:1")]},
    ],
)
def test_whatever_is_amiss_the_verdict_is_not_good(amiss: dict[str, object]) -> None:
    one = outcome(**amiss)

    assert not one.good
    assert "**not good**" in report.row(one)
    assert report.complaints(one)


def test_one_fault_measured_anew_takes_the_place_of_its_row(tmp_path: Path) -> None:
    page, figures = tmp_path / "chaos.md", tmp_path / "chaos.json"
    lost = Finding("lost", "a message")
    before = [outcome(code, findings=[lost] if code == "F6" else []) for code in CODES]

    report.write(before, page=page, figures=figures)
    first = page.read_text()
    report.write([outcome("F6", longest_wait_s=1.5)], page=page, figures=figures)

    assert first.count("**not good**") == 1
    assert "| F6 | a fault | 3 | 15 | 1.5 |  | 0 | 0 | 0 | 0 | good |" in page.read_text()
    assert page.read_text().count("| good |") == len(CODES)


def test_no_page_is_written_while_a_fault_is_missing(tmp_path: Path) -> None:
    report.write([outcome()], page=tmp_path / "chaos.md", figures=tmp_path / "chaos.json")

    assert not (tmp_path / "chaos.md").exists()
