"""The admin page of quoted waits: how often they held, by period, day and language."""

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
#: The chart in SVG units: the plot and its margins.
WIDTH, HEIGHT, LEFT, RIGHT, BELOW, TOP = 780, 160, 44, 16, 24, 10
#: Every fifth day has a label on the axis.
NAMED = 5


@dataclass(frozen=True)
class Point:
    """The share of one day: its position in the chart and its text."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class ChartLine:
    """The share of one of the two waits over the days, and its target."""

    name: str
    target_y: float
    target: str
    points: Sequence[Point]

    @property
    def path(self) -> str:
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


class WaitsPage(UnfoldModelAdminViewMixin, TemplateView):
    """The page, for users who may view tickets."""

    title = gettext_lazy("Promised waits")
    template_name = "admin/promised_waits.html"

    def has_permission(self) -> bool:
        return bool(self.model_admin.has_view_permission(self.request))

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        at = timezone.now()
        rows = wait_accuracy.read_days(at=at, days=DAYS)
        context: dict[str, Any] = super().get_context_data(**given)
        return context | {
            "periods": list(list_periods(rows, at=at)),
            "languages": list(list_languages(rows)),
            "lines": draw_lines(rows, at=at),
            "labels": list(list_labels(at=at)),
            "drawing": {"width": LEFT + WIDTH + RIGHT, "height": TOP + HEIGHT + BELOW, "left": LEFT,
                        "bottom": TOP + HEIGHT + BELOW - 6, "right": LEFT + WIDTH},
        }  # fmt: skip


def list_periods(rows: Sequence[WaitRow], *, at: datetime) -> Iterable[dict[str, Any]]:
    """The figures of today, of seven and of thirty days."""
    titles = {1: _("Today"), 7: _("7 days"), 30: _("30 days")}
    for days, title in titles.items():
        since = at.date() - timedelta(days=days - 1)
        yield {
            "title": title,
            **format_tally(wait_accuracy.sum_rows(row for row in rows if row.day >= since)),
        }


def list_languages(rows: Sequence[WaitRow]) -> Iterable[dict[str, Any]]:
    for language in sorted({row.language for row in rows}):
        tally = wait_accuracy.sum_rows(row for row in rows if row.language == language)
        yield {"title": language, **format_tally(tally)}


def format_tally(tally: WaitTally) -> dict[str, Any]:
    """Write the figures of a tally for the page."""
    return {
        "half": format_percent(tally.p50),
        "most": format_percent(tally.p90),
        "half_of": format_count(tally.p50),
        "most_of": format_count(tally.p90),
        "left_out": tally.p90.left_out,
        "unquoted": tally.unquoted,
    }


def format_percent(kept: QuantileHits) -> str:
    return "—" if kept.share is None else f"{round(kept.share * 100)}\u00a0%"


def format_count(kept: QuantileHits) -> str:
    return _("%(kept)d of %(all)d") % {"kept": kept.within, "all": kept.counted}


def draw_lines(rows: Sequence[WaitRow], *, at: datetime) -> list[ChartLine]:
    """Draw both waits day by day; an empty list without data."""
    days = {
        day: wait_accuracy.sum_rows(row for row in rows if row.day == day)
        for day in list_days(at=at)
    }
    half = {day: tally.p50 for day, tally in days.items()}
    most = {day: tally.p90 for day, tally in days.items()}
    drawn = [draw_line(_("Nine of ten"), 0.9, most), draw_line(_("Half"), 0.5, half)]
    return drawn if any(each.points for each in drawn) else []


def draw_line(name: str, target: float, by_day: dict[date, QuantileHits]) -> ChartLine:
    points = [
        Point(_x(number), _y(kept.share), f"{date_format(day, _('j M'))}: {format_percent(kept)}")
        for number, (day, kept) in enumerate(by_day.items())
        if kept.share is not None
    ]
    return ChartLine(name, _y(target), f"{round(target * 100)}\u00a0%", points)


def list_labels(*, at: datetime) -> Iterable[Point]:
    """The labels of the axis, today the last."""
    for number, day in enumerate(list_days(at=at)):
        if (DAYS - 1 - number) % NAMED == 0:
            yield Point(_x(number), 0, date_format(day, _("j M")))


def list_days(*, at: datetime) -> list[date]:
    return [at.date() - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]


def _x(number: int) -> float:
    return LEFT + WIDTH * (number + 0.5) / DAYS


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)
