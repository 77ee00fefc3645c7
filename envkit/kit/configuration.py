"""Read what the environment says: variables, pip's configuration files.

This is the only module that looks at ``os.environ``; everything it finds becomes one value that is passed on. Variables
win over files, the user's file over the machine's, as with pip. What pip's files say about things that envkit does not
have (output, progress bars) is left alone.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping

from envkit.dataclass import dataclass, field, replace
from envkit.errors import EnvkitError
from envkit.model.source import Index

_TRUE = frozenset(("1", "true", "yes", "on", "y", "t"))
_MAX_FILE_BYTES = 1024 * 1024


class ConfigurationError(EnvkitError, ValueError):
    """A configuration file or a variable that cannot be read; the message names it."""

    code = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What variables and files ask for. Only *environ* keeps texts that may hold secrets, and it is shown nowhere.

    *index_url* is None where PyPI is meant; *indexes* come before it, named ones first. *timeout* is in seconds.
    """

    index_url: str | None = field(default=None, repr=False)
    indexes: tuple[Index, ...] = ()
    no_index: bool = False
    find_links: tuple[str, ...] = field(default=(), repr=False)
    trusted_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    client_cert: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float | None = None
    retries: int | None = None
    offline: bool = False
    cache_dir: str | None = None
    prereleases: bool = False
    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    prefer_binary: bool = False
    dependencies: bool = True
    require_hashes: bool = False
    exclude_newer: str | None = None
    index_strategy: str | None = None
    keyring_provider: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def read_configuration(environ: Mapping[str, str] | None = None) -> Configuration:
    """Read variables and files. Raises `ConfigurationError` naming the file or variable that is wrong."""
    environ = dict(os.environ if environ is None else environ)
    options = dict(_file_options(environ))
    for key, value in environ.items():
        if key.startswith("PIP_") and value:
            options[key[4:].lower().replace("_", "-")] = (value, key)
    return _apply_uv(_from_options(options, environ), environ)


def _file_options(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    for path in _config_files(environ):
        try:
            if os.path.getsize(path) > _MAX_FILE_BYTES:
                raise ConfigurationError(f"{path}: larger than {_MAX_FILE_BYTES} bytes")
            parser = configparser.RawConfigParser()
            parser.read(path, encoding="utf-8")
        except OSError:
            continue
        except (configparser.Error, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: {str(error).splitlines()[0]}") from error
        for section in ("global", "install"):
            if parser.has_section(section):
                for key, value in parser.items(section):
                    if value:
                        yield key.lower().replace("_", "-"), (value, path)


def _config_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Give the files that pip reads, the least important first."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    # a chosen file that exists stands for the user's own files
    home = "" if chosen and os.path.exists(chosen) else environ.get("HOME") or environ.get("USERPROFILE") or ""
    if os.name == "nt":
        yield os.path.join(environ.get("PROGRAMDATA", "C:\\ProgramData"), "pip", "pip.ini")
        if home:
            yield os.path.join(home, "pip", "pip.ini")
            yield os.path.join(environ.get("APPDATA", ""), "pip", "pip.ini")
        yield os.path.join(sys.prefix, "pip.ini")
    else:
        for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")):
            yield os.path.join(folder, "pip", "pip.conf")
        if sys.platform == "darwin":
            yield "/Library/Application Support/pip/pip.conf"
        yield "/etc/pip.conf"
        if home:
            yield os.path.join(home, ".pip", "pip.conf")
            if sys.platform == "darwin":
                yield os.path.join(home, "Library", "Application Support", "pip", "pip.conf")
            yield os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pip", "pip.conf")
        yield os.path.join(sys.prefix, "pip.conf")
    if chosen:
        yield chosen


def _from_options(options: Mapping[str, tuple[str, str]], environ: Mapping[str, str]) -> Configuration:
    def text(key: str) -> str | None:
        return options[key][0] if key in options else None

    def words(key: str) -> tuple[str, ...]:
        return tuple((text(key) or "").split())

    def names(key: str) -> tuple[str, ...]:
        return tuple(word for word in (text(key) or "").replace(",", " ").split() if word != ":none:")

    def flag(key: str) -> bool:
        return (text(key) or "").strip().lower() in _TRUE

    def number(key: str) -> float | None:
        value = text(key)
        if value is None:
            return None
        try:
            found = float(value)
        except ValueError as error:
            raise ConfigurationError(f"{options[key][1]}: {key} is not a number") from error
        if not 0 <= found < float("inf"):
            raise ConfigurationError(f"{options[key][1]}: {key} is no number that means anything here")
        return found

    retries = number("retries")
    return Configuration(
        index_url=text("index-url"),
        indexes=tuple(Index(url) for url in words("extra-index-url")),
        no_index=flag("no-index"),
        find_links=words("find-links"),
        trusted_hosts=words("trusted-host"),
        ca_file=text("cert"),
        client_cert=text("client-cert"),
        proxy=text("proxy"),
        timeout=number("timeout") or number("default-timeout"),
        retries=None if retries is None else int(retries),
        cache_dir=environ.get("ENVKIT_CACHE_DIR") or None,
        prereleases=flag("pre"),
        only_binary=names("only-binary"),
        no_binary=names("no-binary"),
        prefer_binary=flag("prefer-binary"),
        dependencies=not flag("no-deps"),
        require_hashes=flag("require-hashes"),
        keyring_provider=text("keyring-provider"),
        environ=environ,
    )


def _apply_uv(found: Configuration, environ: Mapping[str, str]) -> Configuration:
    """Let uv's variables, which have names of their own, add to or replace what pip's say."""
    changes: dict[str, object] = {}
    default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    if default:
        changes["index_url"] = _named(default).url
    extra = [_named(word) for word in (environ.get("UV_INDEX") or "").split()]
    extra += [Index(word) for word in (environ.get("UV_EXTRA_INDEX_URL") or "").split()]
    if extra:
        changes["indexes"] = (*extra, *found.indexes)
    if environ.get("UV_FIND_LINKS"):
        changes["find_links"] = (*found.find_links, *environ["UV_FIND_LINKS"].replace(",", " ").split())
    for variable in ("UV_OFFLINE", "ENVKIT_OFFLINE"):
        if environ.get(variable, "").lower() in _TRUE:
            changes["offline"] = True
    if environ.get("UV_EXCLUDE_NEWER"):
        changes["exclude_newer"] = environ["UV_EXCLUDE_NEWER"]
    strategy = environ.get("UV_INDEX_STRATEGY")
    if strategy:
        if strategy not in ("first-index", "unsafe-first-match", "unsafe-best-match"):
            raise ConfigurationError(f"UV_INDEX_STRATEGY: unknown strategy {strategy!r}")
        changes["index_strategy"] = strategy
    return replace(found, **changes) if changes else found  # type: ignore[arg-type]


def _named(text: str) -> Index:
    name, equals, url = text.partition("=")
    if equals and "://" in url and "/" not in name and ":" not in name:
        return Index(url, name=name)
    return Index(text)
