"""The options of one line of a requirements file, in the grammar of pip 26.

Long options may be shortened to an unambiguous start and take their value after ``=`` or as the next word; short ones
may be joined to their value or to each other. A line is split into words as a POSIX shell would, but only from its first
word that starts with a dash: what comes before is the requirement.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TypeAlias

from envkit.errors import RequirementError

_VALUED = {
    "--index-url": "index-url",
    "--pypi-url": "index-url",
    "-i": "index-url",
    "--extra-index-url": "extra-index-url",
    "--constraint": "constraint",
    "-c": "constraint",
    "--requirement": "requirement",
    "-r": "requirement",
    "--editable": "editable",
    "-e": "editable",
    "--find-links": "find-links",
    "-f": "find-links",
    "--no-binary": "no-binary",
    "--only-binary": "only-binary",
    "--all-releases": "all-releases",
    "--only-final": "only-final",
    "--trusted-host": "trusted-host",
    "--use-feature": "use-feature",
    "--hash": "hash",
    "--config-settings": "config-settings",
    "-C": "config-settings",
}
_FLAGS = {
    "--no-index": "no-index",
    "--prefer-binary": "prefer-binary",
    "--require-hashes": "require-hashes",
    "--no-require-hashes": "no-require-hashes",
    "--pre": "pre",
}
_LONG = tuple(name for name in (*_VALUED, *_FLAGS) if name.startswith("--"))
_PLAIN = re.compile(r"[!#-&(-\[\]-~ \t]*")

HASHES = ("sha256", "sha384", "sha512")

Options: TypeAlias = dict[str, list[str]]


def split_line(line: str) -> tuple[str, str]:
    """Split a line into the requirement and the text of its options."""
    if line.startswith("-"):
        return "", line
    start = line.find(" -")
    return (line, "") if start < 0 else (line[:start], line[start + 1 :])


def parse_options(text: str, fail: Callable[[str], RequirementError]) -> Options:
    """Read options: each that is there with its values in order, flags with ``"true"``.

    *fail* makes the error that is raised, from a message. Words that are no options are passed over, as pip does.
    """
    if not text:
        return {}
    words = _split_words(text, fail)
    found: Options = {}
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "--":
            break
        if word.startswith("--"):
            position = _read_long(word, words, position, found, fail)
        elif word.startswith("-") and len(word) > 1:
            position = _read_short(word, words, position, found, fail)
    return found


def _split_words(text: str, fail: Callable[[str], RequirementError]) -> list[str]:
    if _PLAIN.fullmatch(text):
        return text.split()
    try:
        return shlex.split(text)
    except ValueError as error:
        raise fail(f"the options cannot be split into words: {error}") from error


def _read_long(
    word: str, words: list[str], position: int, found: Options, fail: Callable[[str], RequirementError]
) -> int:
    given, equals, value = word.partition("=")
    name = _match_long(given, fail)
    if name in _FLAGS:
        if equals:
            raise fail(f"{name} takes no value")
        found.setdefault(_FLAGS[name], []).append("true")
        return position
    if not equals:
        if position >= len(words):
            raise fail(f"{name} needs a value")
        value = words[position]
        position += 1
    found.setdefault(_VALUED[name], []).append(value)
    return position


def _match_long(given: str, fail: Callable[[str], RequirementError]) -> str:
    if given in _VALUED or given in _FLAGS:
        return given
    possible = [name for name in _LONG if name.startswith(given)]
    if len(possible) == 1:
        return possible[0]
    shown = given[:80]
    if possible:
        raise fail(f"{shown} could mean {', '.join(sorted(possible))}")
    raise fail(f"no such option: {shown}")


def _read_short(
    word: str, words: list[str], position: int, found: Options, fail: Callable[[str], RequirementError]
) -> int:
    # every short option takes a value, so nothing can follow the first in the same word
    name, value = word[:2], word[2:]
    if name not in _VALUED:
        raise fail(f"no such option: {name}")
    if not value:
        if position >= len(words):
            raise fail(f"{name} needs a value")
        value = words[position]
        position += 1
    found.setdefault(_VALUED[name], []).append(value)
    return position


def read_hashes(values: list[str], fail: Callable[[str], RequirementError]) -> dict[str, tuple[str, ...]]:
    """Read ``algorithm:digest`` texts; the digests of one algorithm stay in order."""
    hashes: dict[str, tuple[str, ...]] = {}
    for value in values:
        algorithm, colon, digest = value.partition(":")
        if not colon:
            raise fail(f"a hash is written as an algorithm, a colon and a digest, not {value[:80]!r}")
        if algorithm not in HASHES:
            raise fail(f"{algorithm[:40]!r} is no allowed hash algorithm; {', '.join(HASHES)} are")
        hashes[algorithm] = (*hashes.get(algorithm, ()), digest)
    return hashes


def read_settings(values: list[str], fail: Callable[[str], RequirementError]) -> dict[str, str | tuple[str, ...]]:
    """Read ``KEY=VALUE`` texts; a key that comes again gathers its values."""
    settings: dict[str, str | tuple[str, ...]] = {}
    for value in values:
        key, equals, setting = value.partition("=")
        if not equals:
            raise fail(f"a setting is written as KEY=VALUE, not {value[:80]!r}")
        before = settings.get(key)
        if before is None:
            settings[key] = setting
        else:
            settings[key] = (*((before,) if isinstance(before, str) else before), setting)
    return settings
