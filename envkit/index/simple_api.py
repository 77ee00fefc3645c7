"""Read pages of the simple API: JSON (PEP 691, 700, 708, 714, 740, 792) and HTML (PEP 503, 592, 629, 658). Pure.

One file that is broken is passed over with a reason; a page that is broken raises `TransportError`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import compress
from typing import Any, cast

from envkit.errors import TransportError
from envkit.index.entries import Collector, resolve
from envkit.index.parsed_page import ParsedPage
from envkit.index.plain_entries import MAX_TEXT, fields_of, plain_columns
from envkit.index.typed_page import TypedPage, read_typed
from envkit.model.listing import Columns, Files, Row
from envkit.model.sdist_names import SDIST_SUFFIXES

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.01"

_LARGE = 4 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_HEX = re.compile(r"[0-9a-fA-F]{32,128}\Z")
_STATES = frozenset(("active", "archived", "quarantined", "deprecated"))
_MISSING: list[Any] = []


def parse_page(data: bytes, content_type: str | None, url: str, project: str | None) -> ParsedPage:
    """Read one page. *url* is where it came from, after redirects; *project* is the normalized name.

    Raises `TransportError` for a wrong content type, a broken page, and a version of the API from the future.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind in (JSON_TYPE, "application/vnd.pypi.simple.latest+json", "application/json"):
        return parse_json(data, url, project)
    if kind in (HTML_TYPE, "application/vnd.pypi.simple.latest+html", "text/html"):
        return parse_html(data, url, project)
    raise TransportError(f"not a page of a package index: content type {kind[:80]!r}", context={"content_type": kind})


def parse_json(data: bytes, url: str, project: str | None) -> ParsedPage:
    """Read a JSON page (PEP 691). Raises `TransportError`."""
    if len(data) > _LARGE:
        _check_density(data)
    typed = read_typed(data) if project is not None else None
    content = typed.content if typed is not None else _read_json(data)
    meta = _mapping(content.get("meta"))
    _check_api_version(meta.get("api-version"), required=True)
    files: list[Any] = typed.files if typed is not None else content.get("files", _MISSING)
    if not isinstance(files, list) or files is _MISSING:
        raise TransportError("the page has no list of files")
    collector = Collector(url, project)
    rows = _add_files(collector, files, typed)
    state = _mapping(content.get("project-status"))
    status = _text(state.get("status")) or _text(meta.get("project-status")) or "active"
    return ParsedPage(
        rows=rows,
        rejected=tuple(collector.rejected),
        tracks=_texts(meta.get("tracks")),
        alternates=_texts(content.get("alternate-locations")),
        versions=_texts(content.get("versions")),
        status=status if status in _STATES else "active",
        status_reason=(_text(state.get("reason")) or "")[:MAX_TEXT],
    )


def _check_density(data: bytes) -> None:
    """Refuse a large page that would take many times its size once read: honest ones are mostly long texts."""
    for sign, most in ((b"{", 1_000_000), (b"[", 1_000_000), (b'"', 6_000_000), (b",", 6_000_000)):
        if data.count(sign) > most:
            raise TransportError(f"the page has more than {most} times {sign.decode()!r}")


def _read_json(data: bytes) -> dict[str, Any]:
    try:
        try:
            page: Any = json.loads(data)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except ValueError:
            page = json.loads(data, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise TransportError(f"the page is not JSON: {str(error)[:100]}") from error
    if not isinstance(page, dict):
        raise TransportError("the page is not a JSON object")
    return cast("dict[str, Any]", page)


def _whole_number(digits: str) -> int | None:
    try:
        return int(digits)
    except ValueError:
        return None  # thousands of digits, which CPython refuses: it matters if somebody asks for that field


def _add_files(collector: Collector, files: list[Any], typed: TypedPage | None) -> Sequence[Row]:
    """Read the files as columns; those that are unusual one by one, and all of them where they do not make columns."""
    entry = files.__getitem__ if typed is None else typed.entry
    found: tuple[Columns, Sequence[str], set[int]] | None = None
    if collector.project is not None:
        with suppress(KeyError, TypeError, AttributeError, ValueError, IndexError):
            fields = fields_of(files) if typed is None else typed.fields()
            found = plain_columns(fields, collector.base, collector.project)
    if found is None:
        for at in range(len(files)):
            _add_json_file(collector, entry(at))
        return tuple(collector.rows)
    columns, endings, odd = found
    kept = bytearray(b"\1") * len(files)
    for at in sorted(odd):
        _add_json_file(collector, entry(at))
        kept[at] = bool(collector.rows)
        if collector.rows:
            for column, value in zip(cast("tuple[list[Any], ...]", columns), collector.rows.pop(), strict=True):
                column[at] = value
    if all(kept):
        return Files(columns, endings)
    return Files(cast("Columns", tuple([list(compress(one, kept)) for one in columns])), list(compress(endings, kept)))


def _add_json_file(collector: Collector, entry: object) -> None:
    if not isinstance(entry, dict):
        collector.reject("?", "invalid-name", "an entry that is not an object")
        return
    get = cast("dict[str, Any]", entry).get
    filename, url = get("filename"), get("url")
    if not isinstance(filename, str) or not isinstance(url, str):
        collector.reject(str(filename)[:100], "invalid-name", "an entry without a file name and an address")
        return
    requires_python = get("requires-python")
    if requires_python is not None and not isinstance(requires_python, str):
        collector.reject(filename, "invalid-specifier", "requires-python is not a text")
        return
    yanked = get("yanked", False)
    size = get("size")
    metadata: Any = get("core-metadata", get("dist-info-metadata", get("data-dist-info-metadata")))
    collector.add(
        filename,
        url,
        _hashes(get("hashes")),
        size=size if type(size) is int and size >= 0 else None,
        requires_python=requires_python,
        yanked=None if yanked is False or yanked is None else (_text(yanked) or "")[:MAX_TEXT],
        upload_time=_text(get("upload-time")),
        metadata={} if metadata is True else (_hashes(metadata) if hasattr(metadata, "items") else None),
        provenance=_text(get("provenance")),
    )


def parse_html(data: bytes, url: str, project: str | None) -> ParsedPage:
    """Read an HTML page (PEP 503). Raises `TransportError`."""
    from envkit.index.html_page import read_anchors

    found = read_anchors(data)
    _check_api_version(found.meta.get("pypi:repository-version"), required=False)
    collector = Collector(_join(url, found.base), project)
    for attributes in found.anchors:
        _add_anchor(collector, attributes)
    status = found.meta.get("pypi:project-status", "active")
    return ParsedPage(
        rows=tuple(collector.rows),
        rejected=tuple(collector.rejected),
        tracks=found.tracks,
        alternates=found.alternates,
        status=status if status in _STATES else "active",
        status_reason=found.meta.get("pypi:project-status-reason", "")[:MAX_TEXT],
    )


def _join(url: str, base: str | None) -> str:
    if not base:
        return url
    from urllib.parse import urljoin

    try:
        joined = urljoin(url, base)
    except ValueError:
        return url
    # A base can move links within what the page itself may name, and no further.
    return joined if resolve(url, joined) is not None else url


def _add_anchor(collector: Collector, attributes: Mapping[str, str | None]) -> None:
    from urllib.parse import unquote, urlsplit

    href = (attributes.get("href") or "").strip()
    try:
        parts = urlsplit(href)
        filename = unquote(parts.path.rpartition("/")[2])
    except ValueError:
        collector.reject(href[:100], "invalid-name", "an address that cannot be read")
        return
    if not filename or (collector.project is None and not filename.endswith((".whl", ".gz", *SDIST_SUFFIXES))):
        return  # a link to something else, as find-links pages and listings of folders have
    algorithm, _, digest = parts.fragment.partition("&")[0].partition("=")
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    advertised = "data-core-metadata" in attributes or "data-dist-info-metadata" in attributes
    hashes: dict[str, str] | None = None
    if advertised and metadata != "false":
        name, _, value = (metadata or "").partition("=")
        hashes = _hashes({name: value})
    yanked = attributes.get("data-yanked")
    collector.add(
        filename,
        href,
        _hashes({algorithm: digest}),
        requires_python=attributes.get("data-requires-python"),
        yanked=None if "data-yanked" not in attributes else (yanked or "")[:MAX_TEXT],
        upload_time=attributes.get("data-upload-time"),
        metadata=hashes,
        provenance=attributes.get("data-provenance"),
    )


def _check_api_version(version: object, *, required: bool) -> None:
    if version is None and not required:
        return
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", version) if isinstance(version, str) else None
    if match is None:
        raise TransportError(f"the page says no version of the API that can be read: {str(version)[:40]!r}")
    if match[1] != "1":
        raise TransportError(
            f"the index speaks version {match[0]} of the API, and only 1.x is known",
            hint="a newer envkit may know it",
            context={"api_version": match[0]},
        )


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...]:
    items: list[Any] = value
    if not isinstance(value, list):
        return ()
    return tuple(items if set(map(type, items)) <= {str} else [item for item in items if isinstance(item, str)])


def _hashes(value: Any) -> dict[str, str]:
    pairs: dict[Any, Any] = value
    if not isinstance(value, dict):
        return {}
    only = pairs.get("sha256")
    if len(pairs) == 1 and isinstance(only, str) and _SHA256.match(only):
        return pairs
    return {
        name: digest.lower()
        for name, digest in pairs.items()
        if isinstance(name, str)
        and isinstance(digest, str)
        and name in hashlib.algorithms_guaranteed
        and _HEX.match(digest)
    }
