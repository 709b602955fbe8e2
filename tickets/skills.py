"""The catalogue of skills: the words supply and demand share."""

from collections.abc import Collection

from django.core.cache import cache

from tickets.models import Skill

KEY = "skills"


def unknown(codes: Collection[str]) -> list[str]:
    """Those of the codes that nobody has defined. A miss is looked up afresh."""
    if not codes:
        return []
    known = cache.get(KEY)
    if known is None or not known.issuperset(codes):
        known = set(Skill.objects.values_list("code", flat=True))
        cache.set(KEY, known, timeout=60)
    return [code for code in codes if code not in known]
