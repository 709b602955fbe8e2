"""Charts of simulated days, drawn with matplotlib. Import this late: matplotlib loads slowly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dispatch.simulation.comparison import format_measure
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
#: The measures a comparison draws, with the heading of each panel.
PANELS = {
    "within_20s": "Answered in 20 s",
    "abandoned": "Left unanswered",
    "p95_wait_s": "95 in 100 waited, s",
    "gini": "Unevenness (Gini)",
    "fit": "At level asked",
}
#: The colour of each strategy.
COLOURS = {"first come": BROWN, "two at once": TAN, "ours": GREEN, "all able": GREY}


def check_path(path: Path) -> None:
    """Check that a chart can be written to this path. Raises ValueError if not."""
    endings = {f".{ending}" for ending in Figure().canvas.get_supported_filetypes()}
    if path.suffix.lower() not in endings:
        raise ValueError(f"end it with one of {', '.join(sorted(endings))}")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}")


def draw_comparison(found: Mapping[str, Measures], *, title: str, note: str, path: Path) -> None:
    """Draw the measures of all strategies side by side, one panel per measure.

    The suffix of the path is the format. Raises ValueError for an unknown one.
    """
    with matplotlib.rc_context(STYLE):
        panels = {
            measure: heading for measure, heading in PANELS.items() if _differs(found, measure)
        }
        picture = Figure(figsize=(11, 0.9 + 0.42 * max(len(found), 3)), layout="constrained")
        picture.suptitle(title, x=0.008, ha="left", fontsize=11, color=QUIET)
        for axes, (measure, heading) in zip(
            picture.subplots(1, len(panels), sharey=True), panels.items(), strict=True
        ):
            _draw_panel(axes, found, measure, heading)
        picture.supxlabel(note, x=0.008, ha="left", fontsize=8.5, color=QUIET)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        picture.savefig(path, dpi=144, metadata=metadata)


def _differs(found: Mapping[str, Measures], measure: str) -> bool:
    """False for the fit of a day on which every caller was served at the required level."""
    return measure != "fit" or any(row.fit < 1 for row in found.values())


def _draw_panel(axes: Axes, found: Mapping[str, Measures], measure: str, heading: str) -> None:
    values = [getattr(row, measure) for row in found.values()]
    colours = [next((COLOURS[name] for name in COLOURS if name in row), PALE) for row in found]
    bars = axes.barh(list(found), values, color=colours, height=0.62)
    labels = [format_measure(measure, value) for value in values]
    axes.bar_label(bars, labels, padding=3, color=INK)
    axes.set_title(heading)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    axes.margins(x=0.28)
