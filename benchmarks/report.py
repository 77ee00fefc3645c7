"""Results as Markdown, JSON and a chart."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.chart import ratio_chart
from benchmarks.peers import ASKED
from benchmarks.resolving import AGAIN, FIRST, HOT, PROCESS, Result
from benchmarks.timing import Table, seconds

#: workload -> (in process, fresh process): the ratio to uv that is aimed at, warm
AIMS = {"trio": (0.5, 2.5), "jupyter": (0.5, 2.5), "web": (0.5, 2.5), "airflow": (1.0, 1.5), "boto3": (1.0, 1.5)}
ENOUGH = 7
COLD_AIM, AGAIN_AIM, MEMORY_AIM = 1.5, 0.002, 150e6
#: how many times faster than a peer in pure Python envkit is to be
FASTER = {"pip": 50.0, "nab": 5.0, "pdm": 5.0}


def write(results: Iterable[Result], facts: dict[str, Any], folder: Path, name: str = "resolve") -> str:
    """Write ``resolve.md``, ``.json`` and ``.png`` into *folder* and give the Markdown."""
    results = list(results)
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(results, facts)
    (folder / f"{name}.md").write_text(text)
    data = {"schema": 1, "machine": facts, "workloads": [result.to_dict() for result in results], "bars": bars(results)}
    (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    groups = {result.workload.name: _medians(result.warm) for result in results}
    if any("uv" in times for times in groups.values()):
        ratio_chart(folder / f"{name}.png", groups, "uv", "Resolution, warm caches", machine.markdown(facts))
    return text


def markdown(results: list[Result], facts: dict[str, Any]) -> str:
    """Give the report."""
    parts = ["# Resolution, interleaved on one recorded index", "", machine.markdown(facts), "", _summary(results), ""]
    few = [
        f"{result.workload.name} {label} ({len(row.samples)})"
        for result in results
        for table in (result.warm, result.cold)
        for label, row in table.rows.items()
        if row.error is None and len(row.samples) < ENOUGH
    ]
    if few:
        parts += [f"Fewer than {ENOUGH} rounds, so only a hint: {', '.join(few)}.", ""]
    checked = bars(results)
    if checked:
        parts += ["## Bars", "", "| bar | aim | found | met |", "|---|---:|---:|---|"]
        parts += [
            f"| {bar['bar']} | {bar['aim']} | {bar['found']} | {'yes' if bar['met'] else 'no'} |" for bar in checked
        ]
        parts.append("")
    parts += _how(results)
    for result in results:
        parts += _section(result)
    return "\n".join(parts)


def bars(results: list[Result]) -> list[dict[str, Any]]:
    """Compare what was found with what is aimed at; ratios of medians to uv in the same table."""
    found: list[dict[str, Any]] = []

    def add(bar: str, aim: float, value: float, *, least: bool = False) -> None:
        met = value >= aim if least else value <= aim
        found.append({"bar": bar, "aim": f"{'>=' if least else '<='} {aim:g}", "found": f"{value:.3g}", "met": met})

    for result in results:
        name, warm, cold = result.workload.name, result.warm, result.cold
        aims = AIMS.get(name)
        if aims is not None and _has(warm, "uv"):
            for label, aim in ((FIRST, aims[0]), (HOT, aims[0]), (PROCESS, aims[1])):
                if _has(warm, label):
                    add(f"{name}: {label}, warm, x uv", aim, warm.ratio(label, "uv"))
            for label in (FIRST, PROCESS):
                if _has(cold, label) and _has(cold, "uv"):
                    add(f"{name}: {label}, cold, x uv", COLD_AIM, cold.ratio(label, "uv"))
        if _has(warm, AGAIN):
            add(f"{name}: same inputs again, ms", AGAIN_AIM * 1e3, warm[AGAIN].median * 1e3)
        for peer, aim in FASTER.items():
            for label in (FIRST, PROCESS):
                if _has(warm, peer) and _has(warm, label):
                    add(f"{name}: {label}, times faster than {peer}", aim, warm.ratio(peer, label), least=True)
        for label in (PROCESS, f"{PROCESS}, cold") if name == "airflow" else ():
            if label in result.peaks:
                add(f"{name}: {label}, peak memory, MB", MEMORY_AIM / 1e6, result.peaks[label] / 1e6)
    return found


def _summary(results: list[Result]) -> str:
    labels = list(dict.fromkeys(label for result in results for label in result.warm.rows))
    lines = ["| workload | pins | " + " | ".join(labels) + " |", "|---|---:|" + "---:|" * len(labels)]
    for result in results:
        pins = next((len(pins) for pins in result.pins.values() if pins), 0)
        cells = []
        for label in labels:
            if not _has(result.warm, label):
                error = result.warm[label].error if label in result.warm else ""
                cells.append((error or "none").rpartition("Error: ")[2][:60].replace("|", "\\|"))
                continue
            ratio = f" ({result.warm.ratio(label, 'uv'):.2f})" if _has(result.warm, "uv") and label != "uv" else ""
            rounds = len(result.warm[label].samples)
            few = f", {rounds} round{'s' * (rounds > 1)}" if rounds < ENOUGH else ""
            cells.append(seconds(result.warm[label].median) + ratio + few)
        shown = "impossible" if result.workload.impossible or (result.impossible and not pins) else str(pins)
        lines.append(f"| {result.workload.name} | {shown} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "Warm caches; medians, in brackets the ratio to uv."])


def _how(results: list[Result]) -> list[str]:
    """Tell how each peer was asked, and what it asked of the index: the same for all, so far as they can."""
    peers = [peer for peer in ASKED if any((PROCESS if peer == "envkit" else peer) in one.warm.rows for one in results)]
    lines = ["## How they are asked", "", "| peer | call | wheels alone | for the running Python | older than a time |"]
    lines.append("|---|---|---|---|---|")
    lines += [f"| {peer} | " + " | ".join(f"`{text}`" for text in ASKED[peer]) + " |" for peer in peers]
    lines += [
        "",
        "All have the same served index and a cache of their own, filled by an untimed first turn. Requests in it, and",
    ]
    lines += ["in the last turn that was timed:", ""]
    for result in results:
        asked = ", ".join(f"{label} {first}, {last}" for label, (first, last) in result.requests.items())
        if asked:
            lines.append(f"- {result.workload.name}: {asked}")
    return [*lines, ""]


def _section(result: Result) -> list[str]:
    workload = result.workload
    parts = [f"## {workload.name}", "", f"`{' '.join(workload.requirements)}`"]
    if workload.exclude_newer:
        parts.append(f"\nBefore {workload.exclude_newer}; {workload.origin}.")
    base = "uv" if _has(result.warm, "uv") else None
    parts += ["", result.warm.markdown(base, "warm"), ""]
    if result.cold.rows:
        parts += [result.cold.markdown("uv" if _has(result.cold, "uv") else None, "cold, pages over loopback"), ""]
    peaks = ", ".join(f"{name} {peak / 1e6:.0f} MB" for name, peak in result.peaks.items() if peak)
    if peaks:
        parts += [f"Peak memory: {peaks}.", ""]
    parts += [f"- {name}: {error}" for name, error in result.errors.items()]
    parts += [
        f"- **{name}, wrong**: {problem}" for name, problems in result.problems.items() for problem in problems[:20]
    ]
    if result.misses:
        parts.append(f"- not in the recording: {', '.join(result.misses[:20])} ({len(result.misses)} in all)")
    if result.differences:
        parts += ["", "| differs | uv | envkit | why |", "|---|---|---|---|"]
        for entry in result.differences:
            ours, theirs = entry["uv's excluded here by"], entry["envkit's excluded there by"]
            why = "; ".join([*(f"here: {text}" for text in ours), *(f"with uv's: {text}" for text in theirs)])
            shown = why.replace("|", "\\|") or "another choice elsewhere"
            parts.append(f"| {entry['name']} | {entry['uv'] or 'none'} | {entry['envkit'] or 'none'} | {shown} |")
    else:
        parts.append(_verdict(result))
    return [*parts, ""]


def _verdict(result: Result) -> str:
    """Say in how far envkit agrees with uv where no pin differs."""
    ours = next((label for label in (PROCESS, FIRST) if label in result.pins), None)
    if ours is None or "uv" not in result.pins:
        return ""
    if result.pins["uv"] is not None and result.pins[ours] is not None:
        return "The same pins as uv's."
    if ours in result.impossible and "uv" in result.impossible:
        return "Impossible for uv as well."
    return f"**Not the same answer**: uv {_said(result, 'uv')}, envkit {_said(result, ours)}."


def _said(result: Result, label: str) -> str:
    pins = result.pins[label]
    return f"has {len(pins)} pins" if pins is not None else "says no" if label in result.impossible else "failed"


def _has(table: Table, label: str) -> bool:
    return label in table and bool(table[label].samples) and table[label].error is None


def _medians(table: Table) -> dict[str, float]:
    return {label: row.median for label, row in table.rows.items() if _has(table, label)}
