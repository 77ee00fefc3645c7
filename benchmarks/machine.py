"""Facts of the machine and of the programs, printed with every table: a ratio without them says little."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.peers import versions


def facts() -> dict[str, Any]:
    """Give the processor, its count, memory in bytes, system, Python, versions of all peers, load and the time."""
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": versions(),
        "revision": _revision(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else [],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def markdown(known: dict[str, Any]) -> str:
    """Give the facts in one paragraph."""
    names = ", ".join(f"{name} {version}" for name, version in known["versions"].items())
    return (
        f"{known['processors']} x {known['processor']}, {known['memory'] / 2**30:.0f} GiB, {known['system']}, "
        f"{known['python']}; {names}; envkit at {known['revision']}; load {known['load']} at the start, {known['time']}."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _revision() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "an unknown revision"
