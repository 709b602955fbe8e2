"""How the waits that customers were told held: figures, a line for each day, each language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from tickets import wait_accuracy
from tickets.wait_accuracy import QuantileHits, WaitRow, WaitTally

DAYS = 30
#: The drawing, in units of its own: the room for the lines, and what is around it.
WIDTH, HEIGHT, LEFT, RIGHT, BELOW, TOP = 780, 160, 44, 16, 24, 10
#: Every so many days one is named below.
NAMED = 5


@dataclass(frozen=True)
class Point:
    """A day's share, where it is drawn, and what it says."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class ChartLine:
    """How one of the two waits held over the days, and the share that would be right."""

    name: str
    target_y: float
    target: str
    points: Sequence[Point]

    @property
    def path(self) -> str:
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


class WaitsPage(UnfoldModelAdminViewMixin, TemplateView):
    """For whoever may see tickets."""

    title = gettext_lazy("Promised waits")
    template_name = "admin/promised_waits.html"

    def has_permission(self) -> bool:
        return bool(self.model_admin.has_view_permission(self.request))

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        at = timezone.now()
        rows = wait_accuracy.by_day(at=at, days=DAYS)
        context: dict[str, Any] = super().get_context_data(**given)
        return context | {
            "periods": list(periods(rows, at=at)),
            "languages": list(by_language(rows)),
            "lines": lines(rows, at=at),
            "labels": list(labels(at=at)),
            "drawing": {"width": LEFT + WIDTH + RIGHT, "height": TOP + HEIGHT + BELOW, "left": LEFT,
                        "bottom": TOP + HEIGHT + BELOW - 6, "right": LEFT + WIDTH},
        }  # fmt: skip


def periods(rows: Sequence[WaitRow], *, at: datetime) -> Iterable[dict[str, Any]]:
    """Today, a week and a month, each with its figures."""
    titles = {1: _("Today"), 7: _("7 days"), 30: _("30 days")}
    for days, title in titles.items():
        since = at.date() - timedelta(days=days - 1)
        yield {
            "title": title,
            **told(wait_accuracy.summed(row for row in rows if row.day >= since)),
        }


def by_language(rows: Sequence[WaitRow]) -> Iterable[dict[str, Any]]:
    for language in sorted({row.language for row in rows}):
        tally = wait_accuracy.summed(row for row in rows if row.language == language)
        yield {"title": language, **told(tally)}


def told(tally: WaitTally) -> dict[str, Any]:
    """The figures of a tally, in words."""
    return {
        "half": percent(tally.p50),
        "most": percent(tally.p90),
        "half_of": counted(tally.p50),
        "most_of": counted(tally.p90),
        "left_out": tally.p90.left_out,
        "untold": tally.untold,
    }


def percent(kept: QuantileHits) -> str:
    return "—" if kept.share is None else f"{round(kept.share * 100)}\u00a0%"


def counted(kept: QuantileHits) -> str:
    return _("%(kept)d of %(all)d") % {"kept": kept.within, "all": kept.counted}


def lines(rows: Sequence[WaitRow], *, at: datetime) -> list[ChartLine]:
    """Both waits day by day; nothing when no day has anything to judge by."""
    days = {
        day: wait_accuracy.summed(row for row in rows if row.day == day) for day in calendar(at=at)
    }
    half = {day: tally.p50 for day, tally in days.items()}
    most = {day: tally.p90 for day, tally in days.items()}
    drawn = [line(_("Nine of ten"), 0.9, most), line(_("Half"), 0.5, half)]
    return drawn if any(each.points for each in drawn) else []


def line(name: str, target: float, by_day: dict[date, QuantileHits]) -> ChartLine:
    points = [
        Point(_x(number), _y(kept.share), f"{date_format(day, _('j M'))}: {percent(kept)}")
        for number, (day, kept) in enumerate(by_day.items())
        if kept.share is not None
    ]
    return ChartLine(name, _y(target), f"{round(target * 100)}\u00a0%", points)


def labels(*, at: datetime) -> Iterable[Point]:
    """Some days by name, today the last."""
    for number, day in enumerate(calendar(at=at)):
        if (DAYS - 1 - number) % NAMED == 0:
            yield Point(_x(number), 0, date_format(day, _("j M")))


def calendar(*, at: datetime) -> list[date]:
    return [at.date() - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]


def _x(number: int) -> float:
    return LEFT + WIDTH * (number + 0.5) / DAYS


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)
