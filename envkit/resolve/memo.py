"""Remember whole resolutions: the same question about an unchanged index has the same answer.

Kept for each source, in memory, and only where nothing but pages decides: no paths, no direct references, no cut-off that
moves with the clock. An answer counts as long as every page that was looked at has the identity that it had.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from envkit.model.pin import Pin

if TYPE_CHECKING:
    from envkit.model.policy import ResolutionPolicy
    from envkit.model.resolution import Resolution
    from envkit.model.target import Target
    from envkit.resolve.ports import CandidateSource

ENTRIES = 64
Key: TypeAlias = tuple[Any, ...]
_Entry: TypeAlias = "tuple[tuple[tuple[str, str | None], ...], Resolution]"

_lock = threading.Lock()
_known: weakref.WeakKeyDictionary[CandidateSource, OrderedDict[Key, _Entry]] = weakref.WeakKeyDictionary()


def memo_key(target: Target, policy: ResolutionPolicy, solver: object, *given: Iterable[Any]) -> Key | None:
    """Give what stands for a question, or None for one whose answer depends on more than pages."""
    if any(_is_age(value) for value in (policy.exclude_newer, *policy.exclude_newer_by_project.values())):
        return None
    texts: list[tuple[str, ...]] = []
    for items in given:
        group: list[str] = []
        for item in items:
            text = f"{item.name}=={item.version}" if isinstance(item, Pin) else _text(item)
            if text is None or "@" in text:
                return None
            group.append(text)
        texts.append(tuple(group))
    return (target.fingerprint, repr(policy), type(solver), *texts)


def _is_age(value: object) -> bool:
    if value is None or isinstance(value, str):
        return False
    from datetime import timedelta

    return isinstance(value, timedelta)


def _text(item: object) -> str | None:
    if isinstance(item, str):
        return item
    from packaging.requirements import Requirement

    return str(item) if isinstance(item, Requirement) else None


def recall(source: CandidateSource, key: Key | None) -> Resolution | None:
    """Give the answer to *key* if every page is as it was."""
    if key is None:
        return None
    try:
        with _lock:
            answers = _known.get(source)
            entry = answers.get(key) if answers is not None else None
            if answers is None or entry is None:
                return None
            answers.move_to_end(key)
    except TypeError:
        return None
    pages, resolution = entry
    identify = source.page_identity
    for name, identity in pages:
        if identify(name) != identity:
            return None
    return resolution


def remember(source: CandidateSource, key: Key | None, identities: Mapping[str, str], resolution: Resolution) -> None:
    """Keep an answer, with the identities of the pages that it rests on."""
    if key is None or any(pin.origin is not None for pin in resolution.pins.values()):
        return
    pages: list[tuple[str, str | None]] = []
    for name, identity in identities.items():
        now = source.page_identity(name)
        if identity and now != identity:
            return  # the page changed meanwhile, or may not be relied on without asking
        pages.append((name, now))
    try:
        with _lock:
            answers = _known.setdefault(source, OrderedDict())
            answers[key] = (tuple(pages), resolution)
            while len(answers) > ENTRIES:
                answers.popitem(last=False)
    except TypeError:
        return  # a source that cannot be weakly referenced is not remembered
