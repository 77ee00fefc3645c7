"""What helps against the usual failures of builds, told by the last line of their output."""

from __future__ import annotations

import re

_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]{1,100})'")


def hint_for(last_line: str) -> str | None:
    """Say what would help, or None."""
    match = _MISSING.search(last_line)
    if match is None:
        return None
    if match[1].partition(".")[0] == "pkg_resources":
        return (
            'setuptools has no pkg_resources any more: BuildSettings(constraints=("setuptools<81",)) takes an older one'
        )
    return (
        f"if the project needs {match[1]} to be built and does not say so, BuildSettings(extra_requirements=...) adds it, "
        "by the project's name"
    )
