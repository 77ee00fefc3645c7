"""What a `Kit` is made with, as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from envkit.model.policy import ResolutionPolicy, check_choice
from envkit.model.source import PYPI, Index

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
    offline: bool = False
    refresh: bool | tuple[str, ...] = False
    policy: ResolutionPolicy = ResolutionPolicy()
    solver: Any = None
    credentials: Any = None
    keyring: str = "disabled"
    trusted_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    client_cert: str | None = None
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
    lock_timeout: float = 60.0
    transport: Transport | None = None
    configuration: Configuration | None = None

    def checked(self) -> Self:
        """Give the settings themselves. Raises `RequirementError` for a choice that there is not."""
        check_choice("link_mode", self.link_mode, ("auto", "clone", "hardlink", "copy", "symlink"))
        check_choice("verify", self.verify, ("stat", "hash"))
        check_choice("atomic", self.atomic, ("entries", "swap"))
        check_choice("keyring", self.keyring, ("disabled", "auto", "import", "subprocess"))
        return self

    def __repr__(self) -> str:
        # addresses, proxies and credentials may be secrets
        return f"Settings(cache_dir={self.cache_dir!r}, policy={self.policy!r})"


def as_indexes(given: Any) -> tuple[Any, ...]:
    """Give what a user wrote for indexes as a tuple of `Index` values (or the mark of the default one)."""
    items: tuple[Any, ...] = (given,) if isinstance(given, (str, Index)) or given is PYPI else tuple(given)
    return tuple(Index(item) if isinstance(item, str) else item for item in items)
