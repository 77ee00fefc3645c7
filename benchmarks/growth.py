"""How the time grows with the size of the graph: chains and layers of 100 to 3,000 generated projects, plotted."""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.graphs import chain, layered
from benchmarks.peers import Outcome
from benchmarks.recording import write_recording
from benchmarks.resolving import Options, time_workload
from benchmarks.timing import Table, seconds
from benchmarks.workloads import Workload

SIZES = (100, 300, 1000, 2000, 3000)
GRAPHS: dict[str, Callable[[int], Any]] = {"chain": chain, "layered": layered}


def main(arguments: list[str] | None = None) -> None:
    """Time all sizes, write ``growth.md``, ``.json`` and ``.png``, and print the Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="with commas")
    parser.add_argument("--peers", default="uv,envkit", help="with commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.sizes.split(",")]
    facts = machine.facts()
    series: dict[str, list[tuple[int, float]]] = {}
    differ: list[str] = []
    for shape, make in GRAPHS.items():
        for size in sizes:
            table, outcomes = _time(make, size, options)
            print(f"{shape} {size}\n{table.markdown('uv' if 'uv' in table else None)}\n", flush=True)
            for label, row in table.rows.items():
                if row.samples and row.error is None:
                    series.setdefault(f"{shape}, {label}", []).append((size, row.median))
            differ += _compare(shape, size, outcomes)
    text = markdown(series, facts, differ)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "growth.md").write_text(text)
    data = {"schema": 1, "machine": facts, "series": series, "exponents": exponents(series), "differences": differ}
    (options.output / "growth.json").write_text(json.dumps(data, indent=1) + "\n")
    print(text)
    from benchmarks.chart import growth_chart

    growth_chart(options.output / "growth.png", series, "Resolution of generated graphs, warm caches")


def _time(make: Callable[[int], Any], size: int, options: argparse.Namespace) -> tuple[Table, dict[str, Outcome]]:
    projects, root = make(size)
    with tempfile.TemporaryDirectory(prefix="envkit-growth-") as folder:
        write_recording(Path(folder), projects)
        del projects
        chosen = Options(
            rounds=options.rounds,
            timeout=options.timeout,
            budget=options.budget,
            peers=tuple(options.peers.split(",")),
            cold=False,
            recording=Path(folder),
        )
        result, outcomes = time_workload(Workload(f"{size}", (root,)), chosen)
        return result.warm, outcomes


def _compare(shape: str, size: int, outcomes: dict[str, Outcome]) -> list[str]:
    theirs = outcomes["uv"].pins if "uv" in outcomes else None
    found = []
    for label, outcome in outcomes.items():
        if outcome.pins is None:
            found.append(f"{shape} {size}, {label}: {outcome.error}")
        elif theirs is not None and outcome.pins != theirs:
            names = sorted(set(outcome.pins.items()) ^ set(theirs.items()))
            found.append(f"{shape} {size}, {label}: {len(names)} pins differ from uv's, first {names[:2]}")
    return found


def exponents(series: dict[str, list[tuple[int, float]]]) -> dict[str, float]:
    """Fit ``time = c * size ** e`` by least squares on logarithms and give each ``e``: 1 is linear, 2 quadratic."""
    return {label: round(_slope(points), 2) for label, points in series.items() if len(points) >= 2}


def _slope(points: Sequence[tuple[int, float]]) -> float:
    xs, ys = [math.log(size) for size, _ in points], [math.log(max(time, 1e-9)) for _, time in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum((x - mx) ** 2 for x in xs)


def markdown(series: dict[str, list[tuple[int, float]]], facts: dict[str, Any], differ: list[str]) -> str:
    """Give the report."""
    sizes = sorted({size for points in series.values() for size, _ in points})
    fitted = exponents(series)
    lines = ["# Growth on generated graphs, warm caches", "", machine.markdown(facts), ""]
    lines.append("| graph | " + " | ".join(map(str, sizes)) + " | exponent |")
    lines.append("|---|" + "---:|" * (len(sizes) + 1))
    for label, points in series.items():
        known = dict(points)
        cells = [seconds(known[size]) if size in known else "" for size in sizes]
        lines.append(f"| {label} | " + " | ".join(cells) + f" | {fitted.get(label, '')} |")
    lines += ["", "The exponent is of a least-squares fit of time = c * size ** e: 1 is linear.", ""]
    return "\n".join([*lines, *(f"- {line}" for line in differ)]) + "\n"


if __name__ == "__main__":
    main()
