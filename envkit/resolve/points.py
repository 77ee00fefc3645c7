"""Public versions as plain tuples that sort as PEP 440 says: they compare quickly, and most texts need no parser."""

from __future__ import annotations

import functools
from typing import TypeAlias

from envkit.model.identity import parse_version

Part: TypeAlias = tuple[int, int]
Point: TypeAlias = tuple[int, tuple[int, ...], Part, int, Part]
"""Epoch, release without zeros at its end, pre-release, number of the post-release or -1, development release."""

_LONGEST = 100
_NO_PRE = (3, 0)
_BEFORE_PRE = (-1, 0)
_NO_DEV = (1, 0)
_PHASES = {"a": 0, "b": 1, "rc": 2}


def plain_release(text: str) -> tuple[int, ...] | None:
    """Give the numbers of a version that is nothing but a release, as almost all are; None for any other text."""
    # Without a pattern, as compiling it takes as long as hundreds of these.
    if not text.isascii() or not text.replace(".", "").isdigit() or len(text) > _LONGEST:
        return None
    try:
        return tuple(map(int, text.split(".")))
    except ValueError:  # two dots in a row, or one at an end
        return None


def first_point(release: tuple[int, ...], epoch: int = 0) -> Point:
    """Give the point below everything that has this release: that of its ``.dev0``."""
    return (epoch, _stripped(release), _BEFORE_PRE, -1, (0, 0))


def _stripped(release: tuple[int, ...]) -> tuple[int, ...]:
    end = len(release)
    while end and not release[end - 1]:
        end -= 1
    return release[:end]


@functools.lru_cache(maxsize=65_536)
def point_of(text: str) -> Point:
    """Give the point of a version, of which a local part plays no part. Raises `RequirementError`."""
    release = plain_release(text)
    if release is not None:
        return (0, release if release[-1] else _stripped(release), _NO_PRE, -1, _NO_DEV)
    version = parse_version(text)
    pre, post, dev = version.pre, version.post, version.dev
    if pre is not None:
        phase = (_PHASES[pre[0]], pre[1])
    else:
        phase = _BEFORE_PRE if post is None and dev is not None else _NO_PRE
    return (
        version.epoch,
        _stripped(version.release),
        phase,
        -1 if post is None else post,
        _NO_DEV if dev is None else (0, dev),
    )


def is_pre(point: Point) -> bool:
    """Whether a point is that of a pre-release or a development release."""
    return point[2] != _NO_PRE or point[4] != _NO_DEV


def is_post_or_dev(point: Point) -> bool:
    """Whether a point is that of a post-release or a development release."""
    return point[3] >= 0 or point[4] != _NO_DEV


def is_post_of(point: Point, final: Point) -> bool:
    """Whether *point* is a post-release of *final*, or a development release of one."""
    return point[3] >= 0 and point[:3] == final[:3]


def dev_of(point: Point) -> Point:
    """Give the point of the first development release of what is not one itself."""
    epoch, release, pre, post, _ = point
    return (epoch, release, _BEFORE_PRE if post < 0 and pre == _NO_PRE else pre, post, (0, 0))
