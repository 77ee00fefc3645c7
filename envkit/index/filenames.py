"""What the name of a file says about it: a wheel or an sdist of a project, or a reason to pass it over."""

from __future__ import annotations

import functools
import re

from envkit.errors import RequirementError
from envkit.model.candidate import Reason
from envkit.model.identity import normalize, parse_specifier, parse_version
from envkit.model.plain_python import read_python
from envkit.model.sdist_names import sdist_suffix

MAX_FILENAME = 255
SIMPLE_VERSION = re.compile(
    r"[0-9]{1,12}(?:\.[0-9]{1,12}){0,8}(?:(?:a|b|rc)[0-9]{1,9})?(?:\.post[0-9]{1,9})?(?:\.dev[0-9]{1,9})?\Z"
)
_WHEEL_NAME = re.compile(r"[\w.]+\Z", re.ASCII)
_BUILD = re.compile(r"[0-9]\w*\Z", re.ASCII)
_TAG = re.compile(r"[\w.]+\Z", re.ASCII)
_PLAIN_WHEEL = re.compile(
    r"([A-Za-z0-9_.]{1,100})-([0-9][a-z0-9.]{0,40})-[\w.]{2,60}-[\w.]{2,60}-[\w.]{2,100}\.whl\Z", re.ASCII
)
"""The names of nearly all wheels; what does not match is looked at part by part."""
_BAD_CHARACTERS = re.compile(r"[\x00-\x1f\x7f/\\:]")
_STAR_BOUND = re.compile(r"(>=|<=|>|<)(\s*[0-9]+(?:\.[0-9]+)*)\.\*")

Problem = tuple[Reason, str]


def check_filename(filename: str, project: str) -> Problem | None:
    """Say why *filename* cannot be a file of *project* (normalized) that envkit can use; None where it can."""
    match = _PLAIN_WHEEL.match(filename)
    if match is not None and is_name_of(match[1], project) and valid_version(match[2]):
        return None
    if not filename or len(filename) > MAX_FILENAME or _BAD_CHARACTERS.search(filename):
        return "invalid-name", "not a plain file name"
    if filename.endswith(".whl"):
        return _check_wheel(filename, project)
    suffix = sdist_suffix(filename)
    if suffix:
        version = sdist_version(filename[: -len(suffix)], project)
        if version is None:
            return "invalid-name", f"not a file name of {project}"
        return None if valid_version(version) else ("invalid-version", f"version {version[:100]!r}")
    return "unsupported-format", "neither a wheel nor an sdist"


def _check_wheel(filename: str, project: str) -> Problem | None:
    parts = filename[:-4].split("-")
    if len(parts) not in (5, 6):
        return "invalid-name", "a wheel's name has five or six parts"
    if not _WHEEL_NAME.match(parts[0]) or normalize(parts[0]) != project:
        return "invalid-name", f"not a file name of {project}"
    if not valid_version(parts[1]):
        return "invalid-version", f"version {parts[1][:100]!r}"
    if len(parts) == 6 and not _BUILD.match(parts[2]):
        return "invalid-name", "a build number starts with a digit"
    if not (_TAG.match(parts[-1]) and _TAG.match(parts[-2]) and _TAG.match(parts[-3])):
        return "invalid-name", "a tag holds something else than letters, digits, dots and underscores"
    return None


def sdist_version(stem: str, project: str) -> str | None:
    """Give the version part of an sdist's name without its suffix; None where the name is another project's."""
    at = stem.find("-")
    while at != -1:
        if normalize(stem[:at]) == project:
            return stem[at + 1 :]
        at = stem.find("-", at + 1)
    return None


@functools.lru_cache(maxsize=16_384)
def is_name_of(part: str, project: str) -> bool:
    """Whether *part* of a file name is a spelling of *project*."""
    return normalize(part) == project


@functools.lru_cache(maxsize=65_536)
def valid_version(text: str) -> bool:
    """Whether *text* is a version (PEP 440)."""
    if SIMPLE_VERSION.match(text):
        return True
    try:
        parse_version(text)
    except RequirementError:
        return False
    return True


@functools.lru_cache(maxsize=16_384)
def clean_requires_python(text: str) -> str | None:
    """Give a ``requires-python`` that can be read; None where it cannot be.

    ``>=3.6.*`` was written by many before it became an error; it means ``>=3.6``.
    """
    if read_python(text) is not None:
        return _STAR_BOUND.sub(r"\1\2", text) if ".*" in text else text
    for attempt in (text, _STAR_BOUND.sub(r"\1\2", text)):
        try:
            parse_specifier(attempt)
        except RequirementError:
            continue
        return attempt
    return None


def project_of(filename: str) -> tuple[str, ...]:
    """Give the normalized names of the projects that *filename* may belong to; an sdist's can be ambiguous."""
    if filename.endswith(".whl"):
        return (normalize(filename.split("-", 1)[0]),)
    stem = filename.removesuffix(sdist_suffix(filename))
    if stem == filename:
        return ()
    cuts = [at for at, character in enumerate(stem[:-1]) if character == "-" and stem[at + 1].isalnum()]
    return tuple(dict.fromkeys(normalize(stem[:at]) for at in cuts[:16] if valid_version(stem[at + 1 :])))
