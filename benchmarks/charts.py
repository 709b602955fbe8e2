"""The figures as charts in the house colours: SVG for sharpness, PNG for viewers."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import OUT
from dispatch.simulation.charts import BROWN, GREEN, GREY, GROUND, INK, QUIET, STYLE

DOCS = OUT.parent.parent / "docs"
COLOURS = {"product": GREEN, "naive": BROWN, "floor": GREY}
WORDS = {"product": "Relève", "naive": "naive rival", "floor": "bare SQL"}
#: The smallest ratio between two labels on a log scale.
APART = 1.5


def draw_live(figures: dict[str, Any], *, docs: bool) -> None:
    """Draw latency by rate, the sustained rate, and the cost of an escalation."""
    with matplotlib.rc_context(STYLE):
        picture = Figure(figsize=(11, 4.6), layout="constrained")
        picture.get_layout_engine().set(wspace=0.08)  # type: ignore[union-attr]
        wide, *narrow = picture.subplots(1, 3, width_ratios=[2.1, 1, 1])
        _draw_latency(wide, figures)
        best = figures["sustained_per_s"]
        at_least = figures["meta"]["sustained_is_a_lower_bound"]
        _draw_bars(
            narrow[0], best, "At least, offers a second" if at_least else "Sustained, offers/s"
        )
        cost = figures["cpu_ms_per_escalation"]
        _draw_bars(narrow[1], cost, "CPU an offer, ms")
        meta = figures["meta"]
        _add_note(
            picture,
            f"{meta['agents']} agents connected, {meta['machine']['cores']} cores shared with the"
            f" load, medians of {meta['rounds']} rounds. Hollow: not sustained, of what came.",
        )
        _save(picture, "live", docs=docs)


def draw_growth(figures: dict[str, Any], *, docs: bool) -> None:
    """Draw the time of a match and of a wave by numbers of agents and waiting tickets."""
    with matplotlib.rc_context(STYLE):
        picture = Figure(figsize=(9, 4), layout="constrained")
        picture.get_layout_engine().set(wspace=0.08)  # type: ignore[union-attr]
        match, wave = picture.subplots(1, 2)
        _draw_grouped_bars(match, figures["ms_per_match"], "One match, ms")
        _draw_grouped_bars(wave, figures["ms_per_wave"], "One wave, ms")
        _add_note(
            picture,
            f"Medians of {figures['meta']['rounds']} rounds. With 10 waiting a wave makes about 10"
            " matches, with 10,000 it makes 100.",
        )
        _save(picture, "growth", docs=docs)


def _draw_latency(axes: Axes, figures: dict[str, Any]) -> None:
    """Draw a band for each system, from the median to the 99th percentile."""
    axes.set_title("From the bot’s request to the offer at an agent, ms")
    ends: dict[str, float] = {}
    for name, by_rate in figures["latency_ms"].items():
        known = {float(rate): cuts for rate, cuts in by_rate.items() if cuts["p99"] is not None}
        rates = list(known)
        middle = [cuts["p50"] for cuts in known.values()]
        slowest = [cuts["p99"] for cuts in known.values()]
        colour = COLOURS[name]
        axes.fill_between(rates, middle, slowest, color=colour, alpha=0.12, linewidth=0)
        axes.plot(rates, middle, color=colour, linewidth=1, linestyle=(0, (2, 2)))
        axes.plot(rates, slowest, color=colour, linewidth=2)
        for rate, at in zip(rates, slowest, strict=True):
            hollow = f"{rate:g}" in figures["meta"]["saturated"][name]
            fill = GROUND if hollow else colour
            axes.plot(rate, at, "o", markersize=6, color=colour, markerfacecolor=fill)
        ends[name] = slowest[-1]
    for name, at in spread_labels(ends).items():
        axes.annotate(
            WORDS[name], (rates[-1], at), xytext=(9, 0), textcoords="offset points",
            color=COLOURS[name], va="center", weight="bold",
        )  # fmt: skip
    _set_log_scale(
        axes, sorted({float(rate) for by in figures["latency_ms"].values() for rate in by})
    )


def spread_labels(ends: Mapping[str, float]) -> dict[str, float]:
    """Place the name at the end of each line without overlaps, on a log scale."""
    placed: dict[str, float] = {}
    lowest = 0.0
    for name, end in sorted(ends.items(), key=lambda one: one[1]):
        placed[name] = max(end, lowest)
        lowest = placed[name] * APART
    return placed


def _set_log_scale(axes: Axes, rates: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _position: f"{value:,.10g}")
    axes.set_xlabel("escalations a second    —  99th percentile   ···  median")
    axes.set_xlim(rates[0] * 0.9, rates[-1] * (rates[-1] / rates[0]) ** 0.3)
    axes.grid(axis="y")
    axes.tick_params(length=0, which="both")


def _draw_bars(axes: Axes, figures: dict[str, float], title: str) -> None:
    names = list(figures)
    heights = [figures[name] or 0 for name in names]
    axes.set_title(title)
    drawn = axes.bar(names, heights, color=[COLOURS[name] for name in names], width=0.62)
    axes.bar_label(drawn, [format_figure(height) for height in heights], padding=3, color=INK)
    axes.set_xticks(range(len(names)), [WORDS[name].replace(" ", "\n") for name in names])
    _hide_axis(axes)


def _draw_grouped_bars(axes: Axes, figures: dict[str, float], title: str) -> None:
    """Draw a pair of bars for each number of agents: few tickets waiting, many waiting."""
    pairs = [tuple(map(int, key.split("x"))) for key in figures]
    pools, lines = sorted({pair[0] for pair in pairs}), sorted({pair[1] for pair in pairs})
    axes.set_title(title)
    shades = [COLOURS["floor"], COLOURS["product"]]
    for place, (waiting, shade) in enumerate(zip(lines, shades, strict=False)):
        heights = [figures[f"{pool}x{waiting}"] for pool in pools]
        spots = [number + (place - 0.5) * 0.36 for number in range(len(pools))]
        drawn = axes.bar(spots, heights, width=0.34, color=shade, label=f"{waiting:,} waiting")
        axes.bar_label(drawn, [format_figure(height) for height in heights], padding=3, color=INK)
    axes.set_xticks(range(len(pools)), [f"{pool:,} agents" for pool in pools])
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
    _hide_axis(axes)


def format_figure(figure: float) -> str:
    """Format three significant figures, never a power of ten."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _hide_axis(axes: Axes) -> None:
    """Remove the axis, because bars carry their numbers."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.margins(y=0.12)


def _add_note(picture: Figure, text: str) -> None:
    picture.supxlabel(text, x=0.008, ha="left", fontsize=8.5, color=QUIET)


def _save(picture: Figure, name: str, *, docs: bool) -> None:
    OUT.mkdir(exist_ok=True)
    picture.savefig(OUT / f"{name}.png", dpi=144)
    picture.savefig(OUT / f"{name}.svg", metadata={"Date": None})
    print(f"drawn: benchmarks/out/{name}.svg")
    if docs:
        shutil.copy(OUT / f"{name}.svg", Path(DOCS, f"bench-{name}.svg"))
