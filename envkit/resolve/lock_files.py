"""The files of a page as a whole range of environments sees them: a wheel for any platform is as good as a universal one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from packaging.version import Version

from envkit.dataclass import replace
from envkit.errors import LockError
from envkit.model.candidate import Artifact
from envkit.model.identity import normalize
from envkit.model.listing import Row
from envkit.model.sdist_names import sdist_suffix

Bounds = tuple[tuple[int, int], tuple[int, int]]


class Files:
    """Chooses rows for the Pythons between *bounds*, the last included.

    *fits* tells of a Requires-Python whether all of them may use it, or None where none may.
    """

    def __init__(self, bounds: Bounds, fits: Callable[[str | None], bool | None]) -> None:
        self._bounds = bounds
        self._fits = fits
        self._tags: dict[tuple[str, str], bool] = {}

    def usable(self, name: str, rows: Iterable[Row], later: set[str]) -> list[Row]:
        """Leave out what nobody can use, and note versions that only some can use in *later*, as they are written."""
        found: list[Row] = []
        for row in rows:
            fits = self._fits(row[4])
            if fits is None or "\n" in row[0] or (row[0][-4:] == ".whl" and not self._serves(row[0])):
                continue
            if not fits:
                later.add(version_text(name, row[0]))
            found.append(row)
        return found

    def _serves(self, filename: str) -> bool:
        parts = filename.rsplit("-", 3)
        if len(parts) < 4 or "-" not in parts[0]:
            return False
        key = parts[1], parts[2]
        known = self._tags.get(key)
        if known is None:
            known = self._tags[key] = _serves(*key, self._bounds)
        return known


def _serves(pythons: str, abis: str, bounds: Bounds) -> bool:
    """Whether a wheel with these tags can be for some Python between *bounds* (the last included)."""
    oldest, newest = bounds
    for python in pythons.split("."):
        digits = "".join(character for character in python if character.isdigit())
        if not digits:
            return True
        major, minor = int(digits[0]), int(digits[1:]) if len(digits) > 1 else None
        if major < oldest[0]:
            continue
        if minor is None:
            return True
        exact = python[:2] in ("cp", "pp") and "abi3" not in abis and "none" not in abis.split(".")
        if (major, minor) <= newest and (not exact or (major, minor) >= oldest):
            return True
    return False


def presented(row: Row) -> Row:
    """Give a file as one for every Python and platform; `original` undoes it."""
    filename, place, hashes, size, requires_python, yanked, upload_time, metadata, provenance = row
    url = place if place[:1] == "=" else f"={place}{filename}"
    name = filename
    if filename[-4:] == ".whl":
        project, version, _ = filename.split("-", 2)
        name = f"{project}-{version}-py3-none-any.whl"
    pythons = (requires_python or "").replace("\n", " ")
    kept = f"{filename}\n{pythons}\n{provenance or ''}"
    return name, url, hashes, size, None, yanked, upload_time, metadata, kept


def original(artifact: Artifact) -> Artifact:
    """Give the artifact as the index has it."""
    parts = (artifact.provenance or "").split("\n", 2)
    if len(parts) != 3:
        raise LockError("a file did not come through the lock's own source")
    filename, requires_python, provenance = parts
    return replace(artifact, filename=filename, requires_python=requires_python or None, provenance=provenance or None)


def version_text(name: str, filename: str) -> str:
    """Give the version that the name of a file of this project says, as it is written there."""
    if filename.endswith(".whl"):
        return filename.split("-", 2)[1]
    stem = filename.removesuffix(sdist_suffix(filename))
    return next((stem[at + 1 :] for at, one in enumerate(stem) if one == "-" and normalize(stem[:at]) == name), "")


def canonical(text: str) -> str:
    """Give a version in its normal form, "" for what is none."""
    try:
        return str(Version(text.replace("_", "-")))
    except ValueError:
        return ""
