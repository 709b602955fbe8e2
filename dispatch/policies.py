"""The versions of the matching policy: which is in force, and how to publish a new one."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max

from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy
from tickets import lifecycle

CACHE_KEY = "policies"
#: Seconds a process caches versions. They are dated, so all processes switch at the same moment.
CACHE_SECONDS = 5
#: A new version is in force no sooner than this, so that every process has read it by then.
NOTICE = timedelta(seconds=10)


def read_in_force(*, at: datetime) -> Policy:
    """The policy in force at that moment."""
    in_force = (dated for dated in _read_all() if dated[0] <= at)
    return max(in_force, key=lambda dated: dated[0])[1]


def next_change(*, at: datetime) -> datetime | None:
    """When the next published version comes into force; None if none is to come."""
    return min((valid_from for valid_from, _ in _read_all() if valid_from > at), default=None)


def read_version(version: int) -> Policy:
    """The policy of a version, for decisions made under it. Raises PolicyVersion.DoesNotExist."""
    key = f"{CACHE_KEY}:{version}"
    known: Policy | None = cache.get(key)
    if known is None:
        known = PolicyVersion.objects.get(pk=version).rules()
        cache.set(key, known, timeout=CACHE_SECONDS)
    return known


def earliest_valid_from(*, at: datetime) -> datetime:
    """The earliest moment a new version may be in force: after NOTICE and after all others."""
    latest = PolicyVersion.objects.aggregate(latest=Max("valid_from"))["latest"]
    return max(at + NOTICE, latest + NOTICE) if latest else at


@transaction.atomic
def publish(draft: PolicyVersion, *, at: datetime) -> PolicyVersion:
    """Add a version, in force from its date on and no sooner than `earliest_valid_from`."""
    # This lock makes a second publisher wait, so that it numbers its version after ours.
    PolicyVersion.objects.select_for_update().order_by("version").first()
    known = PolicyVersion.objects.aggregate(version=Max("version"))["version"]
    draft.version = (known or 0) + 1
    earliest = earliest_valid_from(at=at)
    draft.valid_from = max(draft.valid_from or earliest, earliest)
    draft.save(force_insert=True)
    lifecycle.check_levels_by(draft.valid_from)
    cache.delete(CACHE_KEY)
    return draft


def _read_all() -> list[tuple[datetime, Policy]]:
    """Every version with its date, from the cache of the process."""
    known: list[tuple[datetime, Policy]] | None = cache.get(CACHE_KEY)
    if known is None:
        known = [(row.valid_from, row.rules()) for row in PolicyVersion.objects.all()]
        cache.set(CACHE_KEY, known, timeout=CACHE_SECONDS)
    return known
