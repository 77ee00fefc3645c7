"""What a requirements file says beside its requirements: indexes, formats, releases, hosts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from envkit.dataclass import dataclass, field
from envkit.errors import RequirementError
from envkit.formats.line_options import Options
from envkit.model.identity import normalize
from envkit.model.secret import mask_credentials
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions(Value):
    """The options of a requirements file and of those that it includes, put together as pip does.

    *index_url* is None where the file names none. *no_binary*, *only_binary*, *all_releases* and *only_final* hold
    normalized names or ``":all:"``, sorted. URLs may hold credentials and are masked in every text form.
    """

    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False
    find_links: tuple[str, ...] = field(default=(), repr=False)
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    prefer_binary: bool = False
    all_releases: tuple[str, ...] = ()
    only_final: tuple[str, ...] = ()
    require_hashes: bool = False
    no_require_hashes: bool = False
    trusted_hosts: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def pre(self) -> bool:
        """Whether pre-releases are asked for, for every project."""
        return ":all:" in self.all_releases

    def to_dict(self) -> dict[str, Any]:
        """Give the options as plain data; credentials are masked."""
        data = super(FileOptions, self).to_dict()  # noqa: UP008  the decorator makes another class
        data["index_url"] = mask_credentials(self.index_url) if self.index_url is not None else None
        for name in ("extra_index_urls", "find_links"):
            data[name] = [mask_credentials(text) for text in data[name]]
        return data


class OptionCollector:
    """Gathers options line by line; `value` gives what they come to."""

    def __init__(self) -> None:
        self.index_url: str | None = None
        self.extra_index_urls: list[str] = []
        self.no_index = False
        self.find_links: list[str] = []
        self.trusted_hosts: list[str] = []
        self.features: list[str] = []
        self.flags: set[str] = set()
        self._formats: tuple[set[str], set[str]] = (set(), set())
        self._releases: tuple[set[str], set[str]] = (set(), set())

    def add_lists(self, options: Options, fail: Callable[[str], RequirementError]) -> None:
        """Take in the options that count on every line, also beside a requirement."""
        for key, groups, at in (
            ("no-binary", self._formats, 0),
            ("only-binary", self._formats, 1),
            ("all-releases", self._releases, 0),
            ("only-final", self._releases, 1),
        ):
            for value in options.get(key, ()):
                if value.startswith("-"):
                    raise fail(f"--{key} needs a value")
                _choose(value, groups[at], groups[1 - at])

    def add_line(self, options: Options, folder: str | None) -> None:
        """Take in a line that holds no requirement; *folder* is where relative find-links may be."""
        if "no-index" in options:
            self.no_index = True
            self.index_url, self.extra_index_urls = None, []
        if not self.no_index:
            chosen = options.get("index-url", [""])[-1]
            if chosen:
                self.index_url, self.extra_index_urls = chosen, []
            self.extra_index_urls += options.get("extra-index-url", [])
        links = options.get("find-links")
        if links:
            beside = os.path.join(folder, links[0]) if folder is not None and "\0" not in links[0] else None
            self.find_links.append(beside if beside is not None and os.path.exists(beside) else links[0])
        if "pre" in options:
            self._releases[0].add(":all:")
        self.flags |= {key for key in ("prefer-binary", "require-hashes", "no-require-hashes") if key in options}
        self.trusted_hosts += [name for name in options.get("trusted-host", ()) if name not in self.trusted_hosts]
        self.features += [name for name in options.get("use-feature", ()) if name not in self.features]

    def value(self) -> FileOptions:
        """Give what was gathered."""
        return FileOptions(
            index_url=self.index_url,
            extra_index_urls=tuple(self.extra_index_urls),
            no_index=self.no_index,
            find_links=tuple(self.find_links),
            no_binary=tuple(sorted(self._formats[0])),
            only_binary=tuple(sorted(self._formats[1])),
            prefer_binary="prefer-binary" in self.flags,
            all_releases=tuple(sorted(self._releases[0])),
            only_final=tuple(sorted(self._releases[1])),
            require_hashes="require-hashes" in self.flags,
            no_require_hashes="no-require-hashes" in self.flags,
            trusted_hosts=tuple(self.trusted_hosts),
            features=tuple(self.features),
        )


def _choose(value: str, target: set[str], other: set[str]) -> None:
    """Apply one comma-separated list: ``:all:`` and ``:none:`` reset, a name leaves the other group."""
    names = value.split(",")
    while ":all:" in names:
        other.clear()
        target.clear()
        target.add(":all:")
        del names[: names.index(":all:") + 1]
        if ":none:" not in names:
            return
    for name in names:
        if name == ":none:":
            target.clear()
        else:
            other.discard(normalize(name))
            target.add(normalize(name))
