"""Make the client of the indexes from a kit's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envkit.index.bounds import Limits, Timeouts
from envkit.index.client import IndexClient

if TYPE_CHECKING:
    from envkit.cache.store import Cache
    from envkit.events import Emitter
    from envkit.kit.settings import Settings


def make_client(settings: Settings, cache: Cache, emitter: Emitter) -> IndexClient:
    """Wire the client. Variables reach it only through a kit that was made from the environment."""
    environ = settings.configuration.environ if settings.configuration is not None else None
    timeouts, limits = Timeouts(), Limits()
    if settings.timeout is not None:
        timeouts = timeouts._replace(connect=settings.timeout, read=settings.timeout)
    if settings.retries is not None:
        limits = limits._replace(retries=settings.retries)
    keyring: Any = settings.keyring
    return IndexClient(
        settings.indexes,
        find_links=settings.find_links,
        cache=cache,
        transport=settings.transport,
        credentials=settings.credentials,
        index_strategy=settings.policy.index_strategy,
        offline=settings.offline,
        refresh=settings.refresh,
        trusted_hosts=settings.trusted_hosts,
        emitter=emitter,
        env=environ,
        proxy=settings.proxy,
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        keyring=keyring,
        timeouts=timeouts,
        limits=limits,
    )
