"""The catalogue of skills, shared by supply and demand."""

from collections.abc import Collection

from django.core.cache import cache

from tickets.models import Skill

KEY = "skills"


def list_unknown(codes: Collection[str]) -> list[str]:
    """List the codes that are not in the catalogue. A cache miss is looked up in the database."""
    if not codes:
        return []
    known = cache.get(KEY)
    if known is None or not known.issuperset(codes):
        known = set(Skill.objects.values_list("code", flat=True))
        cache.set(KEY, known, timeout=60)
    return [code for code in codes if code not in known]
