"""Pictures of what was measured, for docs: throughput as bars, latency over load. The same figures, the same bytes."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench.endpoints.contenders import CONTENDERS

__all__ = ["plot"]

_TITLES = {each.name: each.title for each in CONTENDERS}
_STYLE: Any = {"svg.hashsalt": "xinqiao", "svg.fonttype": "path", "font.size": 9}
_NOTHING = {"Date": None, "Creator": None}
_SHADES = ("#0b5394", "#6fa8dc", "#999999", "#c9c9c9", "#a64d79", "#e69138", "#f6b26b")
_COLOURS = dict(zip(_TITLES, _SHADES, strict=True))


def plot(result: dict[str, Any], folder: Path) -> list[Path]:
    """Write ``bench-throughput.svg`` and ``bench-latency.svg``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        return [
            _saved(_throughput(result["closed"]), folder / "bench-throughput.svg"),
            _saved(_latency(result["open"]), folder / "bench-latency.svg"),
        ]


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, metadata=_NOTHING)
    return path


def _throughput(closed: dict[str, dict[str, dict[str, float]]]) -> Figure:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot()
    names = list(next(iter(closed.values())))
    width = 0.84 / len(names)
    for index, name in enumerate(names):
        heights = [found[name]["per_second"] for found in closed.values()]
        places = [group + (index - (len(names) - 1) / 2) * width for group in range(len(closed))]
        bars = axes.bar(places, heights, width * 0.94, label=_TITLES[name], color=_COLOURS[name])
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=7, rotation=90, padding=3)
    axes.set_yscale("log")
    axes.margins(y=0.16)
    axes.set_xticks(range(len(closed)), list(closed))
    axes.set_xlabel("connections")
    axes.set_ylabel("messages/s, accepted and on disk")
    axes.set_title("Acceptance of a 2.4 KB KYC, closed loop", loc="left")
    _quiet(axes)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _latency(opened: dict[str, list[dict[str, float]]]) -> Figure:
    figure = Figure(figsize=(8, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for name, loads in opened.items():
        rates = [each["per_second"] for each in loads]
        for measured, line in (("p50_ms", "-"), ("p99_ms", "--")):
            label = f"{_TITLES[name]}: {measured.removesuffix('_ms')}"
            axes.plot(rates, [each[measured] for each in loads], line, marker="o", color=_COLOURS[name], label=label)
    axes.axhline(50, color="#cc0000", linewidth=0.8, linestyle=":", label="aim: p99 under 50 ms at half of capacity")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left=0)
    axes.set_xlabel("messages/s that come, at 25, 50 and 75 % of what each takes at most")
    axes.set_ylabel("ms from due to answered")
    axes.set_title("Latency of acceptance, open loop", loc="left")
    _quiet(axes)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
