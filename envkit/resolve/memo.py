"""Remember answers, resolutions and impossibilities: the same question about an unchanged index has the same answer.

Kept for each source, in memory, and only where nothing but pages decides: no paths, no direct references, no cut-off that
moves with the clock. An answer counts as long as every page that was looked at has the identity that it had. What is
impossible is kept only where it rests on pages alone, with those that the suggestions were tried on.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from envkit.errors import ResolutionError
from envkit.model.pin import Pin

if TYPE_CHECKING:
    from envkit.model.policy import ResolutionPolicy
    from envkit.model.resolution import Resolution
    from envkit.model.target import Target
    from envkit.resolve.catalog import Catalog
    from envkit.resolve.ports import CandidateSource

ENTRIES = 64
Key: TypeAlias = tuple[Any, ...]
_Entry: TypeAlias = "tuple[tuple[tuple[str, str | None], ...], Resolution | ResolutionError]"

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
    """Give the answer to *key* if every page is as it was. Raises the error that was the answer."""
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
    pages, answer = entry
    identify = source.page_identity
    for name, identity in pages:
        if identify(name) != identity:
            return None
    if isinstance(answer, ResolutionError):
        raise _copied(answer)
    return answer


def _copied(error: ResolutionError) -> ResolutionError:
    """Give the error as it was before anybody raised it or added to it."""
    import copy

    return copy.copy(error)


def remember(catalog: Catalog, key: Key | None, answer: Resolution | ResolutionError) -> None:
    """Keep an answer, with the identities of the pages that it rests on."""
    impossible = isinstance(answer, ResolutionError)
    if key is None or (impossible and catalog.passing):
        return
    if not isinstance(answer, ResolutionError) and any(pin.origin is not None for pin in answer.pins.values()):
        return
    source = catalog.source
    pages: list[tuple[str, str | None]] = []
    for name, identity in catalog.identities.items():
        now = source.page_identity(name)
        if (identity and now != identity) or (impossible and now is None):
            return  # the page changed meanwhile, or may not be relied on without asking
        pages.append((name, now))
    try:
        with _lock:
            answers = _known.setdefault(source, OrderedDict())
            answers[key] = (tuple(pages), _copied(answer) if isinstance(answer, ResolutionError) else answer)
            while len(answers) > ENTRIES:
                answers.popitem(last=False)
    except TypeError:
        return  # a source that cannot be weakly referenced is not remembered
