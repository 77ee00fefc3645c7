"""TOML from outside, bounded."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, cast

MAX_TOML_CHARACTERS = 16 * 1024 * 1024
MAX_KEY_PARTS = 64
"""The parser's time grows with the square of these: a key of 400 KB takes minutes."""
_LONG_KEY = rf"""(?:\.[ \t]*+(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+){{{MAX_KEY_PARTS}}}"""


def load_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises `ValueError` for what is none, is too large or is nested too deep."""
    if len(text) > MAX_TOML_CHARACTERS:
        raise ValueError(f"more than {MAX_TOML_CHARACTERS} characters")
    if text.count(".") >= MAX_KEY_PARTS and re.search(_LONG_KEY, text) is not None:
        raise ValueError(f"a key has more than {MAX_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:  # the parser is Python code, so this is an exception and not the end
        raise ValueError("nested too deep") from error


def as_table(value: object) -> Mapping[str, Any] | None:
    """Give a mapping as one with text keys, anything else as None."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_list(value: object) -> list[object]:
    """Give a list as it is, anything else as an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_tables(value: object) -> list[Mapping[str, Any]]:
    """Give the mappings of a list, leaving out what is none."""
    return [table for table in map(as_table, as_list(value)) if table is not None]


def as_text(value: object) -> str | None:
    """Give a text as it is, anything else as None."""
    return value if isinstance(value, str) else None


def as_texts(value: object) -> list[str] | None:
    """Give a list of texts, anything else as None."""
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    texts = [item for item in items if isinstance(item, str)]
    return texts if len(texts) == len(items) else None
