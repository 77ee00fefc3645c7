"""Python environments, resolution, installation and freezing, as a typed library.

Names are loaded when first used (PEP 562), so importing this costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envkit.errors import EnvkitError as EnvkitError
    from envkit.model.policy import ResolutionPolicy as ResolutionPolicy

__version__ = "0.1.0"

_HOMES = {
    "EnvkitError": "envkit.errors",
    "ResolutionPolicy": "envkit.model.policy",
}

__all__ = ["EnvkitError", "ResolutionPolicy", "__version__"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
