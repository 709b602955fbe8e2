"""Policies: which version is in force, and how a new one is written."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max

from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy

KEY = "policies"
#: For so many seconds; versions are dated, so that all processes change at the same moment.
REMEMBERED = 5
#: A new version is in force no sooner, so that everybody knows of it by then.
NOTICE = timedelta(seconds=10)


def in_force(*, at: datetime) -> Policy:
    """The newest version valid at that moment."""
    known: list[tuple[datetime, Policy]] | None = cache.get(KEY)
    if known is None:
        known = [(row.valid_from, row.rules()) for row in PolicyVersion.objects.all()]
        cache.set(KEY, known, timeout=REMEMBERED)
    return max((dated for dated in known if dated[0] <= at), key=lambda dated: dated[0])[1]


def numbered(version: int) -> Policy:
    """A version by its number, for decisions made under it. It never changes, so it is kept."""
    key = f"{KEY}:{version}"
    known: Policy | None = cache.get(key)
    if known is None:
        known = PolicyVersion.objects.get(pk=version).rules()
        cache.set(key, known, timeout=REMEMBERED)
    return known


def soonest(*, at: datetime) -> datetime:
    """When a new version could come into force: after a notice, and after all there are."""
    latest = PolicyVersion.objects.aggregate(latest=Max("valid_from"))["latest"]
    return max(at + NOTICE, latest + NOTICE) if latest else at


@transaction.atomic
def publish(draft: PolicyVersion, *, at: datetime) -> PolicyVersion:
    """Add a version, in force from its date on and no sooner than in ten seconds."""
    # Whoever publishes at the same time waits here, and then counts what was added meanwhile.
    PolicyVersion.objects.select_for_update().order_by("version").first()
    known = PolicyVersion.objects.aggregate(version=Max("version"))["version"]
    draft.version = (known or 0) + 1
    next_one = soonest(at=at)
    draft.valid_from = max(draft.valid_from or next_one, next_one)
    draft.save(force_insert=True)
    cache.delete(KEY)
    return draft
