"""What a resolution is for: the Python, the markers and the tags of one machine, as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from envkit.dataclass import dataclass, field
from envkit.errors import InterpreterError
from envkit.model.fingerprint import fingerprint
from envkit.model.lazy import lazy

_IMPLEMENTATIONS = {"cp": ("cpython", "CPython"), "pp": ("pypy", "PyPy"), "graalpy": ("graalpy", "GraalVM")}
_VERSION = r"(\d+)\.(\d+)(?:\.(\d+))?((?:a|b|rc)\d+)?(t?)"


if TYPE_CHECKING:

    class _Interpreter(Protocol):
        @property
        def version(self) -> str: ...
        @property
        def markers(self) -> Mapping[str, str]: ...
        @property
        def tags(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Target:
    """One machine to resolve and install for.

    *python* is the full version ("3.12.1"), *markers* are PEP 508's variables without ``extra``, *tags* are compatibility
    tags ("cp312-cp312-manylinux_2_17_x86_64"), the most wanted first.
    """

    python: str
    markers: Mapping[str, str]
    tags: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, interpreter: _Interpreter) -> Target:
        """Give the target that an interpreter is."""
        return cls(python=interpreter.version, markers=interpreter.markers, tags=interpreter.tags)

    @classmethod
    def for_python(
        cls,
        version: str,
        *,
        platform: str | Sequence[str],
        implementation: str = "cp",
        abis: Sequence[str] | None = None,
        markers: Mapping[str, str] | None = None,
    ) -> Target:
        """Describe a machine that is not at hand: ``Target.for_python("3.9", platform="win_amd64")``.

        *version* is "3.9" (taken as 3.9.0), "3.12.4" or, free-threaded, "3.13t". *platform* is a platform tag; it stands
        for all older ones that such a machine runs too; several are in order of preference, and the first makes the
        markers. *implementation* is "cp", "pp" or another's short name, which needs *abis* (``["pypy310_pp73"]``).
        *markers* replace single variables. Raises `InterpreterError` for what cannot be read.
        """
        from envkit.model import tags as tagging

        numbers, full, threaded = _read_version(version)
        platforms = [platform] if isinstance(platform, str) else list(platform)
        if not platforms:
            raise InterpreterError("a target needs at least one platform")
        try:
            values = tagging.platform_markers(platforms[0])
        except ValueError as error:
            raise InterpreterError(
                str(error), hint="use a platform tag such as win_amd64 or manylinux_2_28_x86_64"
            ) from error
        short = {"cpython": "cp", "pypy": "pp"}.get(implementation.lower(), implementation.lower())
        if abis is None:
            abis = tagging.cpython_abis(numbers, free_threaded=threaded) if short == "cp" else []
        name, shown = _IMPLEMENTATIONS.get(short, (short, short))
        values.update(
            python_version=f"{numbers[0]}.{numbers[1]}",
            python_full_version=full,
            implementation_name=name,
            implementation_version=full if short == "cp" else "",
            platform_python_implementation=shown,
        )
        values.update(markers or {})
        expanded = list(dict.fromkeys(part for each in platforms for part in tagging.expand_platform(each)))
        found = tagging.tags(short, numbers, f"{numbers[0]}{numbers[1]}", abis, expanded)
        return cls(python=full, markers=values, tags=found)

    @lazy
    def ranks(self) -> Mapping[str, int]:
        """Give the place of each tag, 0 for the most wanted."""
        return {tag: rank for rank, tag in reversed(tuple(enumerate(self.tags)))}

    @lazy
    def fingerprint(self) -> str:
        """Give a short text that is equal for equal targets only; what caches are keyed by."""
        return fingerprint(repr((self.python, sorted(self.markers.items()), self.tags)), 24)

    def to_dict(self) -> dict[str, Any]:
        """Give the target as plain data."""
        return {"schema": 1, "python": self.python, "markers": dict(self.markers), "tags": list(self.tags)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Target:
        """Read what `to_dict` gave. Raises `ValueError` where it does not fit."""
        if data.get("schema") != 1:
            raise ValueError(f"Target: schema {data.get('schema')!r} is not 1")
        try:
            markers = {str(key): str(value) for key, value in data["markers"].items()}
            return cls(python=str(data["python"]), markers=markers, tags=tuple(map(str, data["tags"])))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"Target: {error}") from error


def _read_version(version: str) -> tuple[tuple[int, int, int], str, bool]:
    match = re.fullmatch(_VERSION, version.strip())
    if match is None:
        raise InterpreterError(f"{version!r} is no Python version", hint='write "3.12", "3.12.4" or "3.13t"')
    numbers = (int(match[1]), int(match[2]), int(match[3] or 0))
    return numbers, ".".join(map(str, numbers)) + (match[4] or ""), bool(match[5])
