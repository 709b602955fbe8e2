"""Policy versions: dated, numbered, never changed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from dispatch import policies
from dispatch.models import PolicyVersion
from tests.refusals import refused_by
from tests.together import run_together
from tickets import clock

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def publish(at: datetime, **given: Any) -> PolicyVersion:
    return policies.publish(PolicyVersion(note="Another.", **given), at=at)


def test_the_product_comes_with_one_policy(noon: datetime) -> None:
    assert policies.read_in_force(at=noon).version == 1
    assert PolicyVersion.objects.get().translated_note != ""


def test_a_new_version_is_in_force_only_after_caches_have_expired(noon: datetime) -> None:
    added = publish(noon, valid_from=noon - HOUR, waiting=11)

    assert (added.version, added.valid_from) == (2, noon + policies.NOTICE)
    assert policies.NOTICE.total_seconds() > policies.CACHE_SECONDS
    assert policies.read_in_force(at=added.valid_from - timedelta(microseconds=1)).version == 1
    assert policies.read_in_force(at=added.valid_from).waiting == 11


def test_a_version_may_be_dated_ahead(noon: datetime) -> None:
    publish(noon, valid_from=noon + HOUR)

    versions = [policies.read_in_force(at=noon + hours * HOUR).version for hours in (0, 1, 2)]

    assert versions == [1, 2, 2]


def test_no_version_is_dated_before_an_earlier_one(noon: datetime) -> None:
    ahead = publish(noon, valid_from=noon + HOUR)

    later = publish(noon)

    assert (later.version, later.valid_from) == (3, ahead.valid_from + policies.NOTICE)


def test_a_cached_policy_is_replaced_in_time_by_a_new_version(noon: datetime) -> None:
    policies.read_in_force(at=noon)

    publish(noon, valid_from=noon + HOUR)

    assert policies.read_in_force(at=noon + HOUR).version == 2
    assert cache.get(policies.CACHE_KEY) is not None


def test_a_version_is_found_by_its_number(noon: datetime) -> None:
    publish(noon, language=7)

    assert [policies.read_version(number).language for number in (1, 2)] == [20, 7]


def test_the_database_refuses_to_change_a_version() -> None:
    with refused_by("a_policy_never_changes"):
        PolicyVersion.objects.filter(version=1).update(language=1)


def test_the_database_refuses_to_delete_a_version() -> None:
    with refused_by("a_policy_never_changes"):
        PolicyVersion.objects.filter(version=1)._raw_delete("default")


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("one_to_three_at_once", {"max_parallel_offers": 4}),
        ("one_to_three_at_once", {"max_parallel_offers": 0}),
        ("waiting_always_counts", {"waiting": 0}),
    ],
)
def test_the_database_refuses_a_policy_out_of_range(constraint: str, given: dict[str, int]) -> None:
    with refused_by(constraint):
        publish(clock.now(), **given)


@pytest.mark.django_db(transaction=True)
def test_versions_published_at_once_get_consecutive_numbers() -> None:
    at = clock.now()

    run_together(*[lambda: publish(at).version] * 4)

    rows = PolicyVersion.objects.order_by("version")
    assert list(rows.values_list("version", flat=True)) == [1, 2, 3, 4, 5]
    dated = list(rows.values_list("valid_from", flat=True))
    assert dated == sorted(set(dated))
