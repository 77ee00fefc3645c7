"""Turn what variables and files say into a kit's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envkit.dataclass import replace
from envkit.kit.configuration import Configuration, read_configuration
from envkit.model.policy import ResolutionPolicy
from envkit.model.source import PYPI, Index


def options_from(environ: Mapping[str, str] | None, options: Mapping[str, Any]) -> tuple[dict[str, Any], Configuration]:
    """Give the arguments of `Kit` that variables and files ask for, under *options*, and what was read of them."""
    found = read_configuration(environ)
    return {**_options(found), **options}, found


def _options(found: Configuration) -> dict[str, Any]:
    """Give arguments of `Kit`.

    Extra indexes come before the main one: with the strategy "first-index" what is private wins over what is public.
    """
    main: Any = PYPI if found.index_url is None else Index(found.index_url)
    options: dict[str, Any] = {
        "indexes": () if found.no_index else (*found.indexes, main),
        "find_links": found.find_links,
        "trusted_hosts": found.trusted_hosts,
        "policy": _policy(found),
        "offline": found.offline,
        "cache_dir": found.cache_dir,
        "ca_file": found.ca_file,
        "client_cert": found.client_cert,
        "proxy": found.proxy,
        "timeout": found.timeout,
        "retries": found.retries,
        "keyring": found.keyring_provider or "auto",
    }
    return options


def _policy(found: Configuration) -> ResolutionPolicy:
    changes: dict[str, Any] = {
        "only_binary": found.only_binary,
        "no_binary": found.no_binary,
        "prefer_binary": found.prefer_binary,
        "dependencies": found.dependencies,
        "require_hashes": found.require_hashes,
        "exclude_newer": found.exclude_newer,
    }
    if found.prereleases:
        changes["prereleases"] = "allow"
    if found.index_strategy is not None:
        changes["index_strategy"] = found.index_strategy
    return replace(ResolutionPolicy(), **changes)
