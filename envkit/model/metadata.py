"""Read the few core metadata fields that resolution needs, fast.

One pattern over the header block is far faster than an e-mail parser and gives the same for these fields. The header
block ends at the first blank line; a line that starts with white space continues the one before it.
"""

from __future__ import annotations

import re

from envkit.errors import RequirementError
from envkit.model.candidate import CoreMetadata

MAX_METADATA_BYTES = 16 * 1024 * 1024
_FIELD = (
    r"(?aim)^(metadata-version|name|version|requires-dist|requires-python|provides-extra|dynamic):"
    r"(.*)((?:\n[ \t].*)*+)"
)


def parse_metadata(data: bytes, *, where: str = "METADATA") -> CoreMetadata:
    """Read core metadata (``METADATA`` or ``PKG-INFO``). Raises `RequirementError` without a name and a version."""
    if len(data) > MAX_METADATA_BYTES:
        raise RequirementError(f"{where}: metadata of {len(data)} bytes is larger than {MAX_METADATA_BYTES}")
    head = data.partition(b"\n\n")[0] if b"\r" not in data else data.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    fields: dict[str, list[str]] = {}
    for match in re.finditer(_FIELD, head.decode("utf-8", "replace")):
        key, value, folded = match.groups()
        fields.setdefault(key.lower(), []).append(value.strip() + folded)
    try:
        name, version = fields["name"][0], fields["version"][0]
    except KeyError as error:
        raise RequirementError(f"{where}: the metadata has no {error.args[0]}") from error
    return CoreMetadata(
        name=name,
        version=version,
        metadata_version=fields.get("metadata-version", ["1.0"])[0],
        requires_dist=tuple(" ".join(text.split()) for text in fields.get("requires-dist", ())),
        requires_python=fields.get("requires-python", [None])[0] or None,
        provides_extra=tuple(fields.get("provides-extra", ())),
        dynamic=tuple(text.lower() for text in fields.get("dynamic", ())),
    )
