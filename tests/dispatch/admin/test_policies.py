"""The admin pages of policy versions."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from dispatch import policies
from dispatch.models import PolicyVersion
from dispatch.models.policies import COSTS
from tests.staff import (
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_text,
    submit_new,
)
from tickets import clock

pytestmark = pytest.mark.django_db
POLICY = "dispatch_policyversion"


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


def form(**given) -> dict[str, object]:
    """The POST data of a new version, by default with the values of the newest."""
    rules = PolicyVersion.objects.get(pk=1).rules().as_json()
    rules.pop("version")
    steps = ",".join(map(str, rules.pop("lower_levels_at")))
    return {
        "note": "Languages count more",
        "valid_from": "",
        "lower_levels_at": steps,
        **rules,
        **given,
    }


def test_a_new_version_starts_from_the_newest(coordinator):
    shown = coordinator.get(reverse(f"admin:{POLICY}_add")).context["adminform"].form

    assert shown.initial["language"] == 20
    assert shown["lower_levels_at"].value() == "100,200"
    assert shown.initial.get("note") is None


def test_a_new_version_is_published_for_a_future_time(coordinator):
    before = clock.now()

    submit_new(coordinator, POLICY, **form(language=70, lower_levels_at="150,300"))

    made = PolicyVersion.objects.get(pk=2)
    assert (made.language, made.lower_levels_at) == (70, [150, 300])
    assert made.note == "Languages count more"
    assert made.valid_from >= before + policies.NOTICE
    assert policies.read_in_force(at=clock.now()).version == 1
    assert policies.read_in_force(at=made.valid_from).language == 70


def test_a_new_version_may_have_a_date(coordinator):
    submit_new(coordinator, POLICY, **form(valid_from="2100-01-01T12:00"))

    assert PolicyVersion.objects.get(pk=2).valid_from == datetime(2100, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("note", " "),
        ("valid_from", "2026-11-02T00:00"),
        ("lower_levels_at", "200,100"),
        ("lower_levels_at", "100,100"),
        ("lower_levels_at", "99"),
        ("lower_levels_at", "100,200,300,400,500"),
        ("lower_levels_at", "soon"),
        ("language", "-1"),
        ("language", "1001"),
        ("waiting", "0"),
        ("unassigned_penalty", "5000"),
        ("max_parallel_offers", "4"),
        ("quality_unknown", "101"),
    ],
)
def test_an_invalid_version_is_refused_and_changes_nothing(coordinator, field, given):
    answer = submit_new(coordinator, POLICY, **form(**{field: given}))

    assert field in answer.context["adminform"].form.errors
    assert PolicyVersion.objects.count() == 1


def test_a_version_whose_pairs_cost_more_than_the_penalty_is_refused(coordinator):
    given = form(**dict.fromkeys(COSTS, 900), unassigned_penalty=10_000)

    answer = submit_new(coordinator, POLICY, **given)

    assert list(answer.context["adminform"].form.errors) == ["unassigned_penalty"]


def test_a_version_is_read_only_and_shows_what_it_changed(coordinator):
    submit_new(coordinator, POLICY, **form(language=70))
    second = PolicyVersion.objects.get(pk=2)

    answer = coordinator.get(page_address(POLICY, second))

    assert answer.context["changes"] == [("Language", "20", "70")]
    assert 'name="idle_enough"' not in answer.content.decode()
    assert coordinator.post(page_address(POLICY, second), form(language=1)).status_code == 403


def test_the_list_marks_the_version_in_force(coordinator):
    submit_new(coordinator, POLICY, **form(valid_from="2100-01-01T12:00"))

    shown = read_text(coordinator.get(list_address(POLICY)))

    assert re.search(r"2 to come .* 1 in force", shown)


def test_a_viewer_cannot_add_a_version(viewer):
    assert viewer.get(page_address(POLICY, PolicyVersion.objects.get(pk=1))).status_code == 200
    assert viewer.get(reverse(f"admin:{POLICY}_add")).status_code == 403
