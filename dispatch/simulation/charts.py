"""How charts look here. Drawn with matplotlib, which takes a moment to load: import this late."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dispatch.simulation.comparison import shown
from dispatch.simulation.measures import Measures

matplotlib.use("agg")

INK, QUIET, HAIR, GROUND = "#15201e", "#53615d", "#d8dfdc", "#ffffff"
GREEN, BROWN, TAN, GREY, PALE = "#0b6e69", "#7a4d00", "#b3832f", "#7d8b87", "#b9c4c0"
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": HAIR,
    "axes.labelcolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlepad": 14,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "grid.color": HAIR,
    "grid.linewidth": 0.8,
    "figure.facecolor": GROUND,
    "svg.fonttype": "path",
    "svg.hashsalt": "releve",
}
#: What is drawn of a comparison, and what it is called.
DRAWN = {
    "within_20s": "Answered in 20 s",
    "abandoned": "Left unanswered",
    "p95_wait_s": "95 in 100 waited, s",
    "gini": "Unevenness (Gini)",
    "fit": "At level asked",
}
#: In the order in which ways of pairing are compared; more than four begin anew.
SHADES = {"first come": BROWN, "two at once": TAN, "ours": GREEN, "all able": GREY}


def check(path: Path) -> None:
    """Whether a chart can be drawn there, before anybody works for it. Raises ValueError."""
    endings = {f".{ending}" for ending in Figure().canvas.get_supported_filetypes()}
    if path.suffix.lower() not in endings:
        raise ValueError(f"end it with one of {', '.join(sorted(endings))}")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}")


def comparison(found: Mapping[str, Measures], *, title: str, note: str, path: Path) -> None:
    """What is compared side by side, one panel a measure. The ending of the path says the format.

    Raises ValueError for an ending that is no format.
    """
    with matplotlib.rc_context(STYLE):
        drawn = {measure: DRAWN[measure] for measure in DRAWN if _tells(found, measure)}
        picture = Figure(figsize=(11, 0.9 + 0.42 * max(len(found), 3)), layout="constrained")
        picture.suptitle(title, x=0.008, ha="left", fontsize=11, color=QUIET)
        for axes, (measure, heading) in zip(
            picture.subplots(1, len(drawn), sharey=True), drawn.items(), strict=True
        ):
            _panel(axes, found, measure, heading)
        picture.supxlabel(note, x=0.008, ha="left", fontsize=8.5, color=QUIET)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        picture.savefig(path, dpi=144, metadata=metadata)


def _tells(found: Mapping[str, Measures], measure: str) -> bool:
    """Where nobody asks for a level, everybody is served at it."""
    return measure != "fit" or any(row.fit < 1 for row in found.values())


def _panel(axes: Axes, found: Mapping[str, Measures], measure: str, heading: str) -> None:
    values = [getattr(row, measure) for row in found.values()]
    shades = [next((SHADES[way] for way in SHADES if way in name), PALE) for name in found]
    drawn = axes.barh(list(found), values, color=shades, height=0.62)
    said = [shown(measure, value) for value in values]
    axes.bar_label(drawn, said, padding=3, color=INK)
    axes.set_title(heading)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    axes.margins(x=0.28)
