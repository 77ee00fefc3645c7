"""What callers hand over, checked where it comes in: mistakes are told there, by the name of the argument."""

from __future__ import annotations

from typing import Any

from envkit.errors import RequirementError


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse a *value* that is none of *choices*: a misspelt option must not quietly mean something. `RequirementError`."""
    if value not in choices:
        raise RequirementError(
            f"{name}: {value!r} is none of {', '.join(repr(choice) for choice in choices)}",
            context={"option": name, "choices": choices},
        )


def check_flag(name: str, value: object) -> None:
    """Refuse a *value* that is neither true nor false: the text "no" would count as true. Raises `RequirementError`."""
    if not isinstance(value, int):
        raise RequirementError(
            f"{name}: True or False is needed, not {value!r}", context={"option": name, "type": type(value).__name__}
        )


def check_number(
    name: str, value: object, *, above: float | None = None, at_least: float | None = None, whole: bool = False
) -> None:
    """Refuse a *value* that is no number, or one that means nothing. Raises `RequirementError`."""
    kinds = int if whole else (int, float)
    if (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
    ):
        return
    limit = f"above {above:g}" if above is not None else f"of at least {at_least:g}"
    raise RequirementError(
        f"{name}: a {'whole ' if whole else ''}number {limit} is needed, not {value!r}", context={"option": name}
    )


def one_text(name: str, given: object) -> str:
    """Give what must be one text. Raises `RequirementError` for anything else."""
    if not isinstance(given, str):
        raise RequirementError(
            f"{name}: one text is needed here, not {type(given).__name__}",
            context={"option": name, "type": type(given).__name__},
        )
    return given


def several(name: str, given: Any, kinds: type | tuple[type, ...] = object) -> tuple[Any, ...]:
    """Give what was given as a tuple: one thing for itself (a text is not its letters), anything else for what is in it.

    Raises `RequirementError` for a thing that is none of *kinds*.
    """
    single = isinstance(given, str) or not hasattr(given, "__iter__")
    items: tuple[Any, ...] = (given,) if single else tuple(given)
    for item in items:
        if not isinstance(item, kinds):
            expected = kinds if isinstance(kinds, tuple) else (kinds,)
            raise RequirementError(
                f"{name}: {type(item).__name__} is no {' or '.join(kind.__name__ for kind in expected)}",
                context={"option": name, "type": type(item).__name__},
            )
    return items
