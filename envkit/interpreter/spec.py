"""What a person asks for: ``3.12``, ``>=3.10,<3.13``, ``pypy3.10``, ``3.13t``, a name, or a path."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from envkit.dataclass import dataclass, field
from envkit.errors import InterpreterError
from envkit.interpreter.interpreter import Interpreter

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_USUAL = re.compile(r"(|python|cpython|pypy|graalpy)(\d)(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?(t?)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A parsed wish; None means that it does not matter.

    *path* stands alone. *implementation* is in lower case; *version* has one to three numbers; *range* is a specifier.
    Without an implementation only CPython fits a version, as that is what people mean.
    """

    text: str
    path: str | None = None
    implementation: str | None = None
    version: tuple[int, ...] = ()
    range: SpecifierSet | None = field(default=None, repr=False)
    free_threaded: bool | None = None
    debug: bool | None = None
    bits: int | None = None

    def fits(self, interpreter: Interpreter) -> bool:
        """Tell whether an interpreter is what was asked for."""
        if self.implementation is not None and interpreter.implementation != self.implementation:
            return False
        if self.implementation is None and self.text and interpreter.implementation != "cpython":
            return False
        if self.version and interpreter.version_info[: len(self.version)] != self.version:
            return False
        if self.range is not None and not self.range.contains(interpreter.version.rstrip("+"), prereleases=True):
            return False
        threads = bool(self.free_threaded) if self.version or self.free_threaded is not None else None
        return (
            threads in (None, interpreter.free_threaded)
            and self.debug in (None, interpreter.debug)
            and self.bits in (None, 64 if interpreter.is_64bit else 32)
        )

    def may_fit_name(self, name: str) -> bool:
        """Tell from the name of a program whether it is worth asking; a name without a version says nothing."""
        numbers = "".join(char for char in name if char.isdigit() or char == ".").strip(".").split(".")
        told = tuple(int(number) for number in numbers[:2] if number)
        wanted = self.version[: len(told)]
        return not wanted or told[: len(wanted)] == wanted


def parse_spec(text: str | None) -> Spec:
    """Read a wish; None means any interpreter. Raises `InterpreterError` for what is none, as an empty text is."""
    if text is None:
        return Spec(text="")
    if not text.strip():  # more likely a variable that was not set than a wish for any Python
        raise _no_interpreter(text)
    text = text.strip()
    if os.path.isabs(text) or os.sep in text or (os.altsep is not None and os.altsep in text):
        return Spec(text=text, path=os.path.abspath(os.path.expanduser(text)))
    usual = _USUAL.fullmatch(text)
    if usual:  # what nearly all ask for: the libraries for the rest take longer to load than a known one to be found
        name = usual[1].lower()
        numbers = tuple(int(number) for number in usual.groups()[1:4] if number)
        implementation = name if name not in ("", "python") else None
        return Spec(text=text, implementation=implementation, version=numbers, free_threaded=bool(usual[5]))
    return _parse_unusual(text)


def _parse_unusual(text: str) -> Spec:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from python_discovery import PythonSpec

    try:
        known = PythonSpec.from_string_spec(text)
    except ValueError as error:
        raise InterpreterError(f"{text!r} is no range of versions", context={"spec": text}) from error
    implementation = known.implementation.lower() if known.implementation else None
    if implementation not in (None, "cpython", "pypy", "graalpy", "python") or known.path is not None:
        raise _no_interpreter(text)
    try:
        wanted = SpecifierSet(str(known.version_specifier)) if known.version_specifier is not None else None
    except InvalidSpecifier as error:
        raise InterpreterError(f"{text!r} is no range of versions", context={"spec": text}) from error
    version = (known.major, known.minor, known.micro)
    return Spec(
        text=text,
        implementation=None if implementation == "python" else implementation,
        version=tuple(number for number in version if number is not None),
        range=wanted,
        free_threaded=known.free_threaded,
        debug=known.debug or None,
        bits=known.architecture,
    )


def _no_interpreter(text: str) -> InterpreterError:
    """Give the error for a text that is no wish."""
    return InterpreterError(
        f"{text!r} names no interpreter",
        hint='write a version ("3.12"), a range (">=3.10,<3.13"), "pypy3.10", "3.13t" or a path',
        context={"spec": text},
    )
