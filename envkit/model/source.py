"""Where distributions come from: indexes, and things that a requirement can name besides a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from envkit.dataclass import dataclass, field
from envkit.model.arguments import check_choice, several
from envkit.model.secret import mask_credentials, strip_credentials

if TYPE_CHECKING:
    from envkit.model.origin import Origin

__all__ = ["PYPI", "Index", "Origin"]


def __getattr__(name: str) -> Any:
    if name != "Origin":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Made where one is needed: most resolutions have none, and making a dataclass takes as long as some of them.
    from envkit.model.origin import Origin

    return Origin


class _DefaultIndex:
    """Stands for PyPI until something needs its address."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "envkit.PYPI"

    def __reduce__(self) -> str:
        return "PYPI"  # a copy is the same one


PYPI = _DefaultIndex()


@dataclass(frozen=True, slots=True)
class Index:
    """One index or find-links place.

    *url* is the root of a simple index (PEP 503), or with ``format="flat"`` a folder or page of links; ``file:`` URLs
    and credentials are allowed, and credentials are shown nowhere. An *explicit* index serves only projects pinned to
    it. A lower *priority* is asked first; equal ones in the order given.
    """

    url: str = field(repr=False)
    name: str | None = field(default=None, kw_only=True)
    explicit: bool = field(default=False, kw_only=True)
    format: Literal["simple", "flat"] = field(default="simple", kw_only=True)
    priority: int = field(default=0, kw_only=True)
    projects: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        check_choice("format", self.format, ("simple", "flat"))
        object.__setattr__(self, "projects", several("projects", self.projects, str))

    @property
    def label(self) -> str:
        """The name, else the address without credentials: what errors, events and locks show."""
        return self.name or strip_credentials(self.url)

    def __repr__(self) -> str:
        return f"Index({mask_credentials(self.url)!r}, name={self.name!r})"
