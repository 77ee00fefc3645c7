"""One installed distribution as lines of a requirements file, as ``pip freeze`` writes them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import cast

from packaging.version import InvalidVersion, Version

from envkit.dataclass import dataclass
from envkit.formats.file_url import file_url_to_path
from envkit.inspection.vcs import find_checkout
from envkit.installed.eggs import link_target
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.secret import mask_credentials, strip_credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What freezing makes of one distribution: *comments* come on lines of their own, before *text*."""

    name: str
    key: str
    text: str
    editable: bool = False
    comments: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of a requirements file."""
        return (*self.comments, f"-e {self.text}" if self.editable else self.text)


def version_text(distribution: InstalledDistribution) -> str:
    """Give the version as pip takes it: the one in the name of the metadata folder, which counts before its content."""
    folder = distribution.path.name
    if distribution.kind == "dist-info" and folder.endswith(".dist-info"):
        return folder.removesuffix(".dist-info").partition("-")[2] or distribution.version
    return distribution.version


def name_and_version(distribution: InstalledDistribution) -> str:
    """Give ``name==version``; with three equals signs where the version is none of PEP 440."""
    try:
        return f"{distribution.name}=={Version(version_text(distribution))}"
    except InvalidVersion:
        return f"{distribution.name}==={distribution.version}"


def editable_location(distribution: InstalledDistribution) -> str | None:
    """Give the folder of the project that is installed in editable mode, else None."""
    data = distribution.direct_url
    if data is None:
        return link_target(str(distribution.path)) if distribution.kind == "egg-link" else None
    info, url = _table(data, "dir_info"), data.get("url")
    if info is None or info.get("editable") is not True or not isinstance(url, str):
        return None
    return file_url_to_path(url)


def freeze_one(distribution: InstalledDistribution) -> Frozen:
    """Give the requirement that would bring the distribution back."""
    folder = editable_location(distribution)
    key = normalize(distribution.name)
    if folder is not None:
        return _freeze_editable(distribution, folder, key)
    text = _direct_reference(distribution.name, distribution.direct_url) if distribution.direct_url else None
    return Frozen(name=distribution.name, key=key, text=text or name_and_version(distribution))


def _freeze_editable(distribution: InstalledDistribution, folder: str, key: str) -> Frozen:
    location = os.path.normcase(os.path.abspath(folder))
    shown = name_and_version(distribution)
    checkout = find_checkout(location)
    text = location
    comments: tuple[str, ...] = ()
    if checkout is None:
        comments = (f"# Editable install with no version control ({shown})",)
    elif checkout.remote is None and checkout.kind in ("Git", "Bazaar"):
        comments = (f"# Editable {checkout.kind} install with no remote ({shown})",)
    elif checkout.invalid:
        comments = (
            f"# Editable Git install ({shown}) with either a deleted local remote or invalid URI:",
            f"# '{mask_credentials(checkout.remote or '')}'",
        )
    else:
        found = checkout.requirement(location, distribution.name)
        if found is None:
            comments = ("## !! Could not determine repository location",)
        else:
            text = without_secrets(found)
    return Frozen(name=distribution.name, key=key, text=text, editable=True, comments=comments)


def _direct_reference(name: str, data: Mapping[str, object]) -> str | None:
    """Give ``name @ url`` from a recorded origin (PEP 610), or None where the record makes no sense."""
    url = data.get("url")
    if not isinstance(url, str):
        return None
    fragments: list[str] = []
    vcs, archive = _table(data, "vcs_info"), _table(data, "archive_info")
    if vcs is not None:
        kind, commit = vcs.get("vcs"), vcs.get("commit_id")
        if not isinstance(kind, str) or not isinstance(commit, str):
            return None
        url = f"{kind}+{url}@{commit}"
    elif archive is not None:
        found = archive_hash(archive)
        if found is not None:
            fragments.append(f"{found[0]}={found[1]}")
    elif _table(data, "dir_info") is None:
        return None
    folder = data.get("subdirectory")
    if isinstance(folder, str) and folder:
        fragments.append(f"subdirectory={folder}")
    text = without_secrets(url)
    return f"{name} @ {text}#{'&'.join(fragments)}" if fragments else f"{name} @ {text}"


def archive_hash(info: Mapping[str, object]) -> tuple[str, str] | None:
    """Give the first recorded hash of an ``archive_info`` table as (algorithm, hex), or None."""
    for algorithm, value in (_table(info, "hashes") or {}).items():
        if isinstance(value, str):
            return algorithm, value
    old = info.get("hash")
    if isinstance(old, str) and "=" in old:
        algorithm, _, value = old.partition("=")
        return algorithm, value
    return None


def _table(data: Mapping[str, object], key: str) -> Mapping[str, object] | None:
    value = data.get(key)
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


_KEPT_USER = re.compile(r"//(?:git|\$\{[A-Za-z0-9_]+\}(?::\$\{[A-Za-z0-9_]+\})?)@")


def without_secrets(url: str) -> str:
    """Give a URL without what may be a secret in it."""
    # PEP 610 lets a record keep the user "git" and references to variables; anything else may be a secret
    return url if _KEPT_USER.search(url) else strip_credentials(url)
