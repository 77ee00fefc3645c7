"""All core metadata of one installed distribution, in the JSON form that pip's reports use."""

from __future__ import annotations

import configparser
import email.message
import email.parser
import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from email.header import Header, decode_header, make_header
from typing import Any

from envkit.dataclass import dataclass
from envkit.installed.eggs import link_target, linked_info
from envkit.model.distribution import InstalledDistribution
from envkit.model.values import Value

_EXTRA = re.compile(r"\bextra == [\"']([^\"']+)")
MAX_METADATA_BYTES = 16 * 1024 * 1024

_SINGLE = frozenset(
    ("metadata-version", "name", "version", "summary", "description", "description-content-type", "keywords", "home-page",
     "download-url", "author", "author-email", "maintainer", "maintainer-email", "license", "license-expression",
     "requires-python")
)  # fmt: skip
_MULTIPLE = ("dynamic", "platform", "supported-platform", "license-file", "classifier", "requires-dist",
             "requires-external", "project-url", "provides-extra", "provides-dist", "obsoletes-dist")  # fmt: skip
_ORDER = ("metadata-version", "name", "version", "dynamic", "platform", "supported-platform", "summary", "description",
          "description-content-type", "keywords", "home-page", "download-url", "author", "author-email", "maintainer",
          "maintainer-email", "license", "license-expression", "license-file", "classifier", "requires-dist",
          "requires-python", "requires-external", "project-url", "provides-extra", "provides-dist",
          "obsoletes-dist")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint(Value):
    """One entry point: *value* is ``module:object`` with extras, as it is written."""

    group: str
    name: str
    value: str


def metadata_place(one: InstalledDistribution) -> str:
    """Give the folder or file that holds the metadata: for an ``.egg-link`` it is beside the sources."""
    return (linked_info(str(one.path)) if one.kind == "egg-link" else None) or str(one.path)


def library_folder(one: InstalledDistribution) -> str:
    """Give the folder that its packages are imported from: for an ``.egg-link`` the sources."""
    return (link_target(str(one.path)) if one.kind == "egg-link" else None) or str(one.location)


def read_member(one: InstalledDistribution, name: str) -> str | None:
    """Give the text of a file in the metadata folder, or None where there is none."""
    try:
        with open(os.path.join(metadata_place(one), name), "rb") as file:
            return file.read(MAX_METADATA_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None


def read_message(one: InstalledDistribution) -> email.message.Message:
    """Give the core metadata as headers and body; empty where there is none."""
    place = metadata_place(one)
    text: str | None
    if os.path.isdir(place):
        text = read_member(one, "METADATA") or read_member(one, "PKG-INFO")
    else:
        try:
            with open(place, "rb") as file:  # a single .egg-info file, as distutils wrote it
                text = file.read(MAX_METADATA_BYTES).decode("utf-8", "surrogateescape")
        except OSError:
            text = None
    return parse_message(text or "")


def parse_message(text: str) -> email.message.Message:
    """Give core metadata as headers and body."""
    return email.parser.Parser().parsestr(text.replace("\r\n", "\n"))


def metadata_dict(one: InstalledDistribution) -> dict[str, Any]:
    """Give the metadata as ``pip inspect`` does; what eggs keep beside their headers is put in."""
    beside: dict[str, Iterable[str]] = {}
    if one.kind != "dist-info":
        extras = one.provides_extra or dict.fromkeys(_EXTRA.findall("\n".join(one.requires_dist)))
        beside = {"requires-dist": one.requires_dist, "provides-extra": extras}
    return message_dict(read_message(one), beside)


def message_dict(message: email.message.Message, beside: Mapping[str, Iterable[str]] | None = None) -> dict[str, Any]:
    """Give core metadata as pip's reports do; *beside* has values of fields that the message lacks."""
    found: dict[str, Any] = {}
    for field in _ORDER:
        values = [_dedented(_plain(value)) for value in message.get_all(field, [])]
        if not values and beside:
            values = list(beside.get(field, ()))
        if not values:
            continue
        key = field.replace("-", "_")
        if field == "keywords":
            text = values[0]
            found[key] = [word.strip() for word in text.split(",")] if "," in text else text.split()
        else:
            found[key] = values[0] if field in _SINGLE else values
    payload = message.get_payload()
    if isinstance(payload, str) and payload:
        found["description"] = payload
    return found


def _dedented(text: str) -> str:
    """Take off the indentation that a value of several lines has in a header, as `importlib.metadata` does."""
    return textwrap.dedent(" " * 8 + text) if "\n" in text else text


def _plain(value: Any) -> str:
    if not isinstance(value, Header):
        return str(value)
    chunks: list[tuple[Any, str | None]] = []
    for data, charset in decode_header(value):
        if charset == "unknown-8bit" and isinstance(data, bytes):
            try:
                data.decode("utf-8")
                charset = "utf-8"
            except UnicodeDecodeError:
                charset = "latin1"
        chunks.append((data, charset))
    return str(make_header(chunks))


def tags_of(one: InstalledDistribution) -> frozenset[str] | None:
    """Give the compatibility tags of the wheel that it came from, or None where that is not known."""
    text = read_member(one, "WHEEL")
    if text is None:
        return None
    tags: set[str] = set()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        parts = value.strip().split("-")
        if key.strip().lower() == "tag" and len(parts) == 3:
            pythons, abis, platforms = (part.split(".") for part in parts)
            tags |= {f"{python}-{abi}-{where}" for python in pythons for abi in abis for where in platforms}
    return frozenset(tags)


def entry_points(one: InstalledDistribution) -> tuple[EntryPoint, ...]:
    """Give its entry points; what cannot be read is left out."""
    text = read_member(one, "entry_points.txt")
    if not text:
        return ()
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(text)
    except configparser.Error:
        return ()
    return tuple(
        EntryPoint(group=group, name=name, value=value)
        for group in parser.sections()
        for name, value in parser.items(group)
        if value
    )


def licence_of(metadata: dict[str, Any]) -> str:
    """Give the licence: the SPDX expression, else the classifiers, else the first line of the free text, else ""."""
    expression = metadata.get("license_expression")
    if isinstance(expression, str) and expression:
        return expression
    names = [text.rpartition(" :: ")[2] for text in metadata.get("classifier", ()) if text.startswith("License :: ")]
    if names:
        return " AND ".join(names)
    text = str(metadata.get("license", "")).strip()
    return text.splitlines()[0][:200] if text else ""
