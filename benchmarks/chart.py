"""Pictures of the results, with matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLOURS = {
    "uv": "#7f7f7f",
    "envkit, first call": "#1f77b4",
    "envkit, hot call": "#17becf",
    "envkit, same inputs again": "#9edae5",
    "envkit, fresh process": "#2ca02c",
    "pip": "#d62728",
    "nab": "#9467bd",
    "pdm": "#ff7f0e",
}


def ratio_chart(path: Path, groups: Mapping[str, Mapping[str, float]], base: str, title: str, note: str = "") -> None:
    """Draw bars of the time of each subject relative to *base*: ``groups[workload][subject]`` are seconds (medians)."""
    plt = _pyplot()
    names = [name for name, times in groups.items() if base in times]
    subjects = list(dict.fromkeys(subject for name in names for subject in groups[name]))
    height = 0.8 / max(1, len(subjects))
    figure, axes = plt.subplots(figsize=(10, 1.2 + 0.22 * len(subjects) * max(1, len(names))))
    for number, subject in enumerate(subjects):
        places, ratios = [], []
        for row, name in enumerate(names):
            if subject in groups[name]:
                places.append(row + (number - (len(subjects) - 1) / 2) * height)
                ratios.append(groups[name][subject] / groups[name][base])
        bars = axes.barh(places, ratios, height=height * 0.9, label=subject, color=COLOURS.get(subject))
        axes.bar_label(bars, [f"{ratio:.2g}" for ratio in ratios], padding=2, fontsize=7)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(
        range(len(names)), [f"{name}\n({base}: {groups[name][base] * 1e3:.0f} ms)" for name in names], fontsize=8
    )
    axes.invert_yaxis()
    axes.set_xlabel(f"median time relative to {base} (log scale; shorter is faster)")
    axes.set_title(title)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    axes.margins(x=0.12)
    if note:
        axes.annotate(
            "\n".join(textwrap.wrap(note, 150)),
            (0, 0),
            (0, -34),
            "axes fraction",
            "offset points",
            va="top",
            fontsize=6,
        )
    _save(figure, path)


def growth_chart(path: Path, series: Mapping[str, Sequence[tuple[int, float]]], title: str) -> None:
    """Draw time over size, both logarithmic; ``series[label]`` are (projects, seconds)."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(8, 5))
    for label, points in series.items():
        style = "--" if label.startswith("uv") or " uv" in label else "-"
        axes.plot([n for n, _ in points], [t * 1e3 for _, t in points], marker="o", linestyle=style, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("projects in the graph")
    axes.set_ylabel("median time, ms")
    axes.set_title(title)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, path)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=130, bbox_inches="tight")
    _pyplot().close(figure)
