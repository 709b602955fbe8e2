"""The report has a row for each fault's newest outcome, and an honest verdict."""

from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.__main__ import CODES
from tests.chaos.checker import Finding
from tests.chaos.scenario import Outcome

COUNTS = {"escalations": 3, "messages": 2, "payments": 1, "webhooks": 4}


def make_outcome(code: str = "F1", **given: object) -> Outcome:
    facts = {"recovered_s": 3.0, "bound_s": 15.0, "counts": {**COUNTS}, **given}
    return Outcome(code, "a fault", **facts)


def test_outcome_without_faults_is_good() -> None:
    assert make_outcome().is_good


@pytest.mark.parametrize(
    "amiss",
    [
        {"recovered_s": 15.1},
        {"longest_wait_s": 20.5, "outage_s": 20.0},
        {"findings": [Finding("lost", "a message")]},
        {"broken": [("s1", "ticket:1")]},
    ],
)
def test_outcome_with_a_fault_is_not_good(amiss: dict[str, object]) -> None:
    one = make_outcome(**amiss)

    assert not one.is_good
    assert "**not good**" in report.format_row(one)
    assert report.list_complaints(one)


def test_new_outcome_replaces_the_row_of_its_fault(tmp_path: Path) -> None:
    page, figures = tmp_path / "chaos.md", tmp_path / "chaos.json"
    lost = Finding("lost", "a message")
    before = [make_outcome(code, findings=[lost] if code == "F6" else []) for code in CODES]

    report.write(before, page=page, figures=figures)
    first = page.read_text()
    report.write([make_outcome("F6", longest_wait_s=1.5)], page=page, figures=figures)

    assert first.count("**not good**") == 1
    assert "| F6 | a fault | 3 | 15 | 1.5 |  | 0 | 0 | 0 | 0 | good |" in page.read_text()
    assert page.read_text().count("| good |") == len(CODES)


def test_page_is_not_written_while_a_fault_is_missing(tmp_path: Path) -> None:
    report.write([make_outcome()], page=tmp_path / "chaos.md", figures=tmp_path / "chaos.json")

    assert not (tmp_path / "chaos.md").exists()
