"""Compare our reading of requirements files with pip's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envkit.errors import RequirementError
from envkit.formats.requirements_txt import RequirementsFile, read_requirements

ENVIRON = {"USER_NAME": "someone", "TOKEN": "s3cret", "EMPTY": "", "VERSION": "1.2.3", "EXTRA_1": "fast"}


def ask_pip(cases: list[tuple[Path, str]]) -> list[dict]:
    """Give pip's reading of each (folder, file name), all in one process."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).with_name("pip_oracle.py"))],
        input=json.dumps([[str(folder), name] for folder, name in cases]),
        capture_output=True,
        text=True,
        env={**environ, **ENVIRON, "PIP_CONFIG_FILE": os.devnull},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def ask_us(folder: Path, name: str) -> dict:
    """Give our reading in the same shape."""
    try:
        found = read_requirements(folder / name, environ=ENVIRON, fetch=_fetch)
    except RequirementError as error:
        return {"error": str(error)}
    return describe(found)


def _fetch(url: str) -> bytes:
    """Fetch from a server of a test."""
    assert urlsplit(url).hostname == "127.0.0.1"
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.read()
    except OSError as error:
        raise RequirementError(f"{url}: {error}") from error


def describe(found: RequirementsFile) -> dict:
    options = found.options
    urls = ([options.index_url or "default"] if not options.no_index else []) + list(options.extra_index_urls)
    merged = {"requirements": list(found.requirements), "constraints": list(found.constraints)}
    return {
        "entries": [
            {
                "name": entry.name,
                "extras": list(entry.extras),
                "specifier": entry.specifier,
                "marker": entry.marker,
                "url": entry.path.as_uri() if entry.path else entry.url,
                "editable": entry.editable,
                "constraint": entry.constraint,
                "hashes": {key: list(values) for key, values in entry.hashes.items()},
                "config_settings": {
                    key: value if isinstance(value, str) else list(value)
                    for key, value in entry.config_settings.items()
                },
                "line": entry.line,
            }
            for entry in (*merged["requirements"], *merged["constraints"])
        ],
        "index_urls": urls,
        "no_index": options.no_index,
        "find_links": list(options.find_links),
        "no_binary": list(options.no_binary),
        "only_binary": list(options.only_binary),
        "all_releases": list(options.all_releases),
        "only_final": list(options.only_final),
        "prefer_binary": options.prefer_binary,
        "trusted_hosts": list(options.trusted_hosts),
        "require_hashes": options.require_hashes,
        "no_require_hashes": options.no_require_hashes,
        "features": list(options.features),
    }


def normalized(answer: dict) -> dict:
    """Bring an answer to a form in which only differences of meaning are left.

    What is evened out, and why it does not matter: names and extras are compared as their normalized forms; the
    constraints come after the requirements (we keep two lists); ``file:`` URLs are compared as paths; the fragment of a
    URL that only names the project is dropped; hashes in a fragment are counted by pip when it downloads; pip gathers
    ``--use-feature`` in a list that its files share within one process.
    """
    if "error" in answer:
        return {"error": True}
    entries = []
    for entry in answer["entries"]:
        entry = dict(entry)
        entry.pop("pinned", None)
        entry["name"] = canonicalize_name(entry["name"]) if entry["name"] else None
        entry["extras"] = sorted({canonicalize_name(extra) for extra in entry["extras"]})
        url = entry["url"]
        if url and url.startswith("file:"):
            parts = urlsplit(url)
            entry["url"] = os.path.normpath(unquote(parts.path))
            entry["name"] = None if entry["editable"] else entry["name"]
        if url and ("sha256=" in url or "sha384=" in url or "sha512=" in url):
            entry["hashes"] = {}
        entry["config_settings"] = dict(sorted(entry["config_settings"].items()))
        entries.append(entry)
    entries = [one for one in entries if not one["constraint"]] + [one for one in entries if one["constraint"]]
    hosts = sorted(answer["trusted_hosts"])
    answer = {key: value for key, value in answer.items() if key != "features"}
    return {**answer, "entries": entries, "trusted_hosts": hosts}
