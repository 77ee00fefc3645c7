"""What a `Kit` is made with, as one value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from envkit.errors import RequirementError
from envkit.model.arguments import check_choice, check_flag, check_number, several
from envkit.model.policy import ResolutionPolicy
from envkit.model.source import PYPI, Index
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from envkit.events import CancelToken, Reporter
    from envkit.host.links import LinkMode
    from envkit.index.transport import Transport
    from envkit.kit.configuration import Configuration
    from envkit.wheels.settings import BuildSettings


class Settings(NamedTuple):
    """The arguments of a `Kit`, completed; *indexes* are in the order in which they are asked.

    Each kit has one, so it is a tuple: a dataclass of this size takes a warm resolution's time to be made.
    """

    indexes: tuple[Any, ...] = (PYPI,)
    find_links: tuple[str, ...] = ()
    cache_dir: str | None = None
    unusable_cache: Literal["temporary", "refuse"] = "temporary"
    offline: bool = False
    refresh: bool | tuple[str, ...] = False
    policy: ResolutionPolicy = ResolutionPolicy()
    solver: Any = None
    credentials: Any = None
    keyring: str = "disabled"
    trusted_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    client_cert: str | tuple[str, str] | None = None
    proxy: str | None = None
    timeout: float | None = None
    retries: int | None = None
    reporter: Reporter | None = None
    executor: Executor | None = None
    cancel: CancelToken | None = None
    build: BuildSettings | None = None
    link_mode: LinkMode = "auto"
    verify: str = "stat"
    compile_bytecode: bool = False
    atomic: Literal["entries", "swap"] = "entries"
    durable: bool = False
    break_system_packages: bool = False
    without_record: Literal["refuse", "forget"] = "refuse"
    lock_timeout: float = 60.0
    processes: bool = True
    transport: Transport | None = None
    configuration: Configuration | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Give the settings for arguments of a `Kit`. Raises `RequirementError` for one that is no such thing."""
        return _checked(cls(**_completed(given)))

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Give settings like these but for *changes*. Raises `RequirementError` like `of`, `TypeError` like a call."""
        unknown = changes.keys() - set(self._fields)
        if unknown:
            raise TypeError(f"Kit has no argument {', '.join(map(repr, sorted(unknown)))}")
        return _checked(self._replace(**_completed(changes)))

    def __repr__(self) -> str:
        # addresses, proxies and credentials may be secrets
        return f"Settings(cache_dir={self.cache_dir!r}, policy={self.policy!r})"


def as_indexes(given: Any) -> tuple[Any, ...]:
    """Give what a user wrote for indexes as a tuple of `Index` values (or the mark of the default one)."""
    items = several("indexes", given, (str, Index, type(PYPI)))
    return tuple(Index(item) if isinstance(item, str) else item for item in items)


def _checked(settings: Settings) -> Settings:
    check_choice("link_mode", settings.link_mode, ("auto", "clone", "hardlink", "copy", "symlink"))
    check_choice("unusable_cache", settings.unusable_cache, ("temporary", "refuse"))
    check_choice("verify", settings.verify, ("stat", "hash"))
    check_choice("atomic", settings.atomic, ("entries", "swap"))
    check_choice("keyring", settings.keyring, ("disabled", "auto", "import", "subprocess"))
    check_choice("without_record", settings.without_record, ("refuse", "forget"))
    if not isinstance(settings.policy, ResolutionPolicy):
        raise RequirementError(
            f"policy: a ResolutionPolicy is needed, not {type(settings.policy).__name__}", context={"option": "policy"}
        )
    for name in ("offline", "compile_bytecode", "durable", "break_system_packages", "processes"):
        check_flag(name, getattr(settings, name))
    if settings.timeout is not None:
        check_number("timeout", settings.timeout, above=0)
    if settings.retries is not None:
        check_number("retries", settings.retries, at_least=0, whole=True)
    check_number("lock_timeout", settings.lock_timeout, at_least=0)
    # Whatever a reporter raises is dropped: one that cannot be called would never be missed.
    for name, value, does in (
        ("reporter", settings.reporter, "__call__"),
        ("credentials", settings.credentials, "__call__"),
        ("executor", settings.executor, "submit"),
        ("cancel", settings.cancel, "check"),
        ("build", settings.build, "config_settings_by_project"),
        ("transport", settings.transport, "send"),
    ):
        if value is not None and not hasattr(value, does):
            raise RequirementError(
                f"{name}: {_NEEDED[name]} is needed, not {type(value).__name__}", context={"option": name}
            )
    return settings


_NEEDED = {
    "reporter": "what can be called with an event",
    "credentials": "what can be called with an address",
    "executor": "an executor of threads",
    "cancel": "a CancelToken",
    "build": "a BuildSettings",
    "transport": "a transport",
}


def _completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Bring arguments of a `Kit` into the form that `Settings` keeps. One thing stands for a tuple of it."""
    done = dict(given)
    if "indexes" in done:
        done["indexes"] = as_indexes(done["indexes"])
    if "find_links" in done:
        places: tuple[str | os.PathLike[str], ...] = several("find_links", done["find_links"], (str, os.PathLike))
        done["find_links"] = tuple(os.fspath(place) for place in places)
    if "trusted_hosts" in done:
        done["trusted_hosts"] = several("trusted_hosts", done["trusted_hosts"], str)
    if not isinstance(done.get("refresh", False), bool):
        done["refresh"] = several("refresh", done["refresh"], str)
    if done.get("cache_dir") is not None:
        folder = done["cache_dir"]
        if not isinstance(folder, (str, os.PathLike)) or not os.fspath(folder):
            # An empty text, as of a variable that is not set, would mean the folder that the process is in.
            raise RequirementError(
                f"cache_dir: {folder!r} names no folder",
                hint="None, or nothing at all, stands for the user's folder for caches",
                context={"option": "cache_dir"},
            )
        done["cache_dir"] = os.path.abspath(folder)
    if "policy" in done and done["policy"] is None:
        done["policy"] = ResolutionPolicy()
    return done
